import type { Invocation } from '../command-table.ts';
import { targetName, type Target } from '../config/notify-schema.ts';
import type { Delivery } from '../core/delivery.ts';
import { notificationOf } from '../core/notification.ts';
import { deliverNotices, openOutbox } from '../deliver-notices.ts';
import { messageOf, OperatorError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { openStateFiles } from '../host/state-files.ts';
import { readDeliveries, type Outbox } from '../outbox.ts';
import { readConfig } from './context.ts';
import { tableLines } from './table.ts';

/** `notify test [TARGET]|list|send`. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [verb, name] = invocation.positionals;
  if (name !== undefined && verb !== 'test') throw new UsageError(`unexpected word: ${name}`);
  if (process.getuid?.() !== 0) {
    throw new OperatorError('this command needs to be root', 'sudo orchestrator-update notify …');
  }
  switch (verb) {
    case 'test':
      return test(invocation, name);
    case 'list':
      return list(invocation);
    case 'send':
      await deliverNotices(invocation, { isForced: true });
      return list(invocation);
    case undefined:
    default:
      throw new UsageError(
        verb === undefined
          ? 'notify needs a verb: test, list or send'
          : `unknown verb: notify ${verb}`,
        'orchestrator-update notify --help',
      );
  }
}

interface TestResult {
  readonly target: string;
  readonly type: Target['type'];
  /** Null where it was taken. */
  readonly problem: string | null;
}

/** At once, and past the outbox: who types it waits to see what comes of it. */
async function test(invocation: Invocation, name: string | undefined): Promise<ExitCode> {
  const { notify } = await readConfig(invocation);
  const targets = notify.targets.filter(
    (target) => name === undefined || name === targetName(target) || name === target.type,
  );
  if (targets.length === 0) throw nobody(notify.targets, name);
  const outbox = await openOutbox(invocation);
  if (outbox === undefined) throw nobody([], name);
  const results = await Promise.all(targets.map((target) => testOne(outbox, target)));
  const rows = results.map(({ target, type, problem }) => [target, type, problem ?? 'was told']);
  const isTerminal = process.stdout.isTTY === true;
  print(invocation, results, tableLines([['TARGET', 'TYPE', 'RESULT'], ...rows], isTerminal));
  return results.every(({ problem }) => problem === null) ? exitCodes.done : exitCodes.failed;
}

async function testOne(outbox: Outbox, target: Target): Promise<TestResult> {
  const { host, project, nowMs } = outbox;
  const at = new Date(nowMs()).toISOString();
  const notification = notificationOf(
    {
      event: 'test',
      about: `test ${at}`,
      at,
      summary: 'a person tries whether this reaches you: nothing has happened',
      next: 'nothing',
    },
    { host, project, secrets: [], toldAtMs: undefined },
  );
  const name = targetName(target);
  const delivery = { target: name, notification, queuedAtMs: 0, attempts: 0, notBeforeMs: 0 };
  const problem = await outbox.send(target, delivery).then(() => null, messageOf);
  return { target: name, type: target.type, problem };
}

function nobody(targets: readonly Target[], name: string | undefined): OperatorError {
  const names = targets.map(targetName).join(', ');
  return name === undefined || names === ''
    ? new OperatorError(
        'nobody is to be told: notify.targets is empty',
        'docs/notifications.md has an example for each kind of target',
      )
    : new OperatorError(
        `no target is called ${name}`,
        `orchestrator-update notify test    # ${names}`,
      );
}

async function list(invocation: Invocation): Promise<ExitCode> {
  const waiting = await readDeliveries(openStateFiles(invocation.settings.stateDirectory));
  const rows = waiting.map((delivery) => [
    delivery.target,
    delivery.notification.event,
    isoOf(delivery.queuedAtMs),
    String(delivery.attempts),
    delivery.attempts === 0 ? 'with the next run' : `after ${isoOf(delivery.notBeforeMs)}`,
    delivery.problem?.split('\n')[0] ?? '-',
  ]);
  const header = ['TARGET', 'EVENT', 'SINCE', 'TRIED', 'AGAIN', 'PROBLEM'];
  const isTerminal = process.stdout.isTTY === true;
  const lines =
    rows.length === 0 ? ['nothing is on its way'] : tableLines([header, ...rows], isTerminal);
  print(invocation, waiting.map(entryOf), lines);
  return exitCodes.done;
}

/** As `notify list --json` has it. */
function entryOf({ target, notification, queuedAtMs, attempts, notBeforeMs, problem }: Delivery) {
  return {
    target,
    id: notification.id,
    event: notification.event,
    title: notification.title,
    since: new Date(queuedAtMs).toISOString(),
    attempts,
    notBefore: new Date(notBeforeMs).toISOString(),
    problem: problem ?? null,
  };
}

function print({ json }: Invocation, value: unknown, lines: readonly string[]): void {
  process.stdout.write(`${json ? JSON.stringify(value, undefined, 2) : lines.join('\n')}\n`);
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
