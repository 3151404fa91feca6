import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Invocation } from '../../../src/command-table.ts';
import { cacheFile, configKey } from '../../../src/config/cached.ts';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import {
  raiseAcknowledged,
  raiseAlarm,
  raiseFailure,
  raiseOutcome,
  raiseRecovery,
} from '../../../src/commands/tell.ts';
import { fileNameFor, type Draft } from '../../../src/core/notification.ts';
import type { Verification } from '../../../src/core/verification.ts';
import { InterruptedError, OperatorError } from '../../../src/errors.ts';
import { exitCodes } from '../../../src/exit-codes.ts';
import type { Notice } from '../../../src/notices.ts';
import {
  heldByQuarantine,
  heldFor,
  held,
  needsOperator,
  nothingToDo,
  type Outcome,
} from '../../../src/outcome.ts';
import { stillLatched } from '../../../src/update.ts';

const anybody = [{ type: 'command', command: ['/bin/true'] }];

function host(t: Test, { targets = anybody, auto = true } = {}) {
  const stateDirectory = t.testdir({});
  const settings = { stateDirectory, configFile: '/nonexistent', overrides: [], debug: false };
  const invocation = { settings, environment: {}, flags: { auto } } as unknown as Invocation;
  const config = settleConfig(configSchema.parse({ notify: { targets } }));
  const key = configKey(invocation.settings, {});
  writeFileSync(cacheFile(invocation.settings), JSON.stringify({ key, config }));
  const untold = join(stateDirectory, 'untold');
  return {
    stateDirectory,
    invocation,
    /** What was written down to be told; taken as told. */
    take: (): Draft[] => {
      if (!existsSync(untold)) return [];
      const drafts = readdirSync(untold).map((name) => {
        const notice = JSON.parse(readFileSync(join(untold, name), 'utf8')) as Notice;
        return notice.kind === 'draft' ? [notice.draft] : [];
      });
      rmSync(untold, { recursive: true });
      mkdirSync(join(stateDirectory, 'told'), { recursive: true });
      for (const { about } of drafts.flat()) {
        writeFileSync(join(stateDirectory, 'told', fileNameFor(about)), `${Date.now()}\n`);
      }
      return drafts.flat();
    },
  };
}

const tip = 'f'.repeat(40);
const waiting: Outcome = {
  result: 'waiting',
  exitCode: exitCodes.waiting,
  summary: 'an update waits for approval',
  next: 'orchestrator-update approve',
  remindOf: `approval ${tip}: it is dangerous`,
};

await t.test('what a run meets again and again is told once', async (t) => {
  const hold = { why: 'on hold', next: 'orchestrator-update resume', heldSince: '2026-01-01' };
  for (const [outcome, event] of [
    [waiting, 'waiting'],
    [heldFor(tip, hold), 'held'],
    [heldByQuarantine('main', tip, 'it failed'), 'held'],
    [heldFor(tip, { why: 'outside of the window', next: 'run' }), 'available'],
    [stillLatched('it is broken', 'T1'), 'needs-operator'],
  ] as const) {
    const { invocation, take } = host(t);
    await raiseOutcome(outcome, invocation);
    t.match(take(), [{ event, summary: outcome.summary, next: outcome.next }]);
    await raiseOutcome(outcome, invocation);
    t.same(take(), [], event);
  }
});

await t.test('nothing is told of what needs nobody, or is told from its journal', async (t) => {
  const { invocation, take } = host(t);
  const updated: Outcome = { result: 'updated', exitCode: 0, summary: '', transaction: 'T1' };
  const backedOff = held('it failed once and is tried again later', 'orchestrator-update run');
  for (const outcome of [nothingToDo('nothing to do'), updated, backedOff]) {
    await raiseOutcome(outcome, invocation);
  }
  t.same(take(), []);
});

await t.test('where nobody is to be told nothing is written', async (t) => {
  const { invocation, stateDirectory } = host(t, { targets: [] });
  await raiseOutcome(waiting, invocation);
  await raiseFailure(new OperatorError('the remote is away', 'ping it'), invocation);
  await raiseFailure(new OperatorError('the remote is away', 'ping it'), invocation);
  t.same(readdirSync(stateDirectory), ['config-cache.json']);
});

await t.test('a failure of the timer is told when it lasts, and that it is over', async (t) => {
  const { invocation, take } = host(t);
  const away = new OperatorError('git fetch: failed\nfatal: no route to host', 'ping the remote');
  await raiseFailure(away, invocation);
  t.same(take(), [], 'a single one may go away');
  await raiseFailure(away, invocation);
  t.match(take(), [
    {
      event: 'failed',
      summary: /^git fetch: failed \(2 times in a row, since \S+Z\)$/,
      output: ['fatal: no route to host'],
      next: 'ping the remote',
    },
  ]);
  await raiseFailure(away, invocation);
  t.same(take(), []);
  await raiseRecovery(held('it is tried again later', 'run'), invocation);
  t.same(take(), [], 'to wait is not to be well');
  await raiseRecovery(nothingToDo('nothing to do'), invocation);
  t.match(take(), [{ event: 'recovered', summary: /^runs end well again: 3 in a row had failed/ }]);
  await raiseRecovery(nothingToDo('nothing to do'), invocation);
  t.same(take(), []);
  await raiseFailure(away, invocation);
  await raiseRecovery(nothingToDo('nothing to do'), invocation);
  t.same(take(), [], 'one that nobody was told of is over for nobody');
});

await t.test('that a person is needed is told at once; what a person sees is not', async (t) => {
  const lost = new OperatorError('Docker is away', 'systemctl status docker', exitCodes.operator);
  for (const auto of [true, false]) {
    const { invocation, take } = host(t, { auto });
    await raiseFailure(lost, invocation);
    t.match(take(), [{ event: 'needs-operator', summary: 'Docker is away' }]);
  }
  const { invocation, take } = host(t, { auto: false });
  for (const _ of [1, 2, 3]) await raiseFailure(new Error('the remote is away'), invocation);
  const automatic = host(t);
  for (const _ of [1, 2, 3]) {
    await raiseFailure(new InterruptedError('SIGTERM'), automatic.invocation);
    const locked = new OperatorError('another run', '', exitCodes.locked);
    await raiseFailure(locked, automatic.invocation);
  }
  t.same([...take(), ...automatic.take()], []);
});

await t.test('that a person is needed is told also after an ordinary failure was', async (t) => {
  const { invocation, take } = host(t);
  for (const _ of [1, 2]) await raiseFailure(new Error('the remote is away'), invocation);
  t.match(take(), [{ event: 'failed' }]);
  const lost = new OperatorError('Docker is away', 'systemctl status docker', exitCodes.operator);
  await raiseFailure(lost, invocation);
  t.match(take(), [{ event: 'needs-operator', summary: /^Docker is away/ }]);
  await raiseFailure(lost, invocation);
  t.same(take(), [], 'once a day');
});

await t.test('an update that was given up is told from its journal, not once more', async (t) => {
  const { invocation, take, stateDirectory } = host(t);
  mkdirSync(join(stateDirectory, 'untold'));
  const notice = { kind: 'transaction', id: 'T1' };
  writeFileSync(join(stateDirectory, 'untold/transaction-T1.json'), JSON.stringify(notice));
  mkdirSync(join(stateDirectory, 'transactions/T1'), { recursive: true });
  writeFileSync(join(stateDirectory, 'transactions/T1/journal'), '');
  for (const _ of [1, 2]) await raiseFailure(new Error('manifest unknown'), invocation);
  t.same(take(), []);
  await raiseRecovery(nothingToDo(''), invocation);
  t.match(take(), [{ event: 'recovered' }], 'that it is over is told by nobody else');
});

await t.test('runs that cannot go on with an unfinished update are told', async (t) => {
  for (const isOpen of [true, false]) {
    const { invocation, stateDirectory, take } = host(t);
    mkdirSync(join(stateDirectory, 'untold'));
    const notice = { kind: 'transaction', id: 'T1' };
    writeFileSync(join(stateDirectory, 'untold/transaction-T1.json'), JSON.stringify(notice));
    // The other one was cut off before it had a line.
    if (isOpen) {
      mkdirSync(join(stateDirectory, 'transactions/T1'), { recursive: true });
      writeFileSync(join(stateDirectory, 'transactions/T1/journal'), '');
      writeFileSync(join(stateDirectory, 'active'), 'T1\n');
    }
    for (const _ of [1, 2]) await raiseFailure(new Error('brnach is unknown'), invocation);
    t.match(take(), [{ event: 'failed', summary: /^brnach is unknown \(2 times/ }]);
  }
});

await t.test('a bad backup, and that there is a good one again', async (t) => {
  const { invocation, take } = host(t);
  const alarm: Verification = {
    kind: 'sample',
    atMs: 1,
    backup: 'B1',
    result: 'damaged',
    problems: ['volumes/data/x: its content differs'],
  };
  await raiseAlarm(alarm, invocation);
  await raiseAlarm(alarm, invocation);
  t.match(take(), [{ event: 'verification-failed', summary: /^the backup B1 is damaged/ }]);
  await raiseAlarm(alarm, invocation);
  t.same(take(), []);
  await raiseAlarm(undefined, invocation);
  t.match(take(), [{ event: 'recovered', summary: /B1 could not/ }]);
  await raiseAlarm(undefined, invocation);
  t.same(take(), []);
});

await t.test('a person has acknowledged it; the next time is another one', async (t) => {
  const { invocation, take } = host(t);
  const latched = needsOperator('neither came up', 'look', 'engine');
  await raiseOutcome(latched, invocation);
  t.equal(take().length, 1);
  await raiseAcknowledged(invocation, { reason: 'it was broken', at: '', transaction: 'engine' });
  t.match(take(), [{ event: 'recovered', summary: /acknowledged it.*: it was broken/ }]);
  await raiseOutcome(latched, invocation);
  t.match(take(), [{ event: 'needs-operator' }]);
});

await t.test('whatever is wrong with the disk, nothing is thrown', async (t) => {
  const { invocation, stateDirectory } = host(t);
  writeFileSync(join(stateDirectory, 'untold'), 'a file where a directory should be');
  await t.resolves(raiseOutcome(waiting, invocation));
  await t.resolves(raiseFailure(new OperatorError('x', 'y', exitCodes.operator), invocation));
});

await t.test('who has only an update manager that tells is told', async (t) => {
  const { invocation, take, stateDirectory } = host(t, { targets: [] });
  const failure = new OperatorError('the disk is full', 'df -h', exitCodes.operator);
  await raiseFailure(failure, invocation);
  t.same(take(), []);
  mkdirSync(join(stateDirectory, 'watch'));
  writeFileSync(join(stateDirectory, 'watch/update_config.yaml'), '{}');
  await raiseFailure(failure, invocation);
  t.match(take(), [{ event: 'needs-operator' }]);
});
