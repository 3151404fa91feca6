import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { acquireLock } from '../../../src/host/lock.ts';
import { openStateFiles } from '../../../src/host/state-files.ts';
import { appendEntry, openTransaction, writeDeployed } from '../../../src/records.ts';
import { model } from '../../support/builders.ts';
import { runProgram } from '../../support/cli.ts';
import { busyReport } from '../../support/sample-report.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';
const ID = '20261121T000000Z-x';

/** A host that is at the tip of its branch. */
async function upToDate(t: Test) {
  const directory = t.testdir({
    root: { autonomy: { 'compose.yaml': 'services: {}' } },
    state: {},
  });
  const root = join(directory, 'root');
  const git = (...args: string[]) =>
    execa('git', ['-C', root, '-c', 'user.name=x', '-c', 'user.email=x@x.x', ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '.');
  await git('commit', '--quiet', '--message=first');
  await git('remote', 'add', 'origin', root);
  const commit = (await git('rev-parse', 'HEAD')).stdout;
  writeFileSync(
    join(directory, 'update_config.yaml'),
    `root: ${root}\nbranch: main\nproject_name: shop\nimages: {mode: builtin}\n`,
  );
  const state = openStateFiles(join(directory, 'state'));
  await writeDeployed(state, { commit, at: '2026-01-01T00:00:00Z', repository: root });
  const check = (...args: string[]) => runProgram(directory, ['check', ...args]);
  return { directory, commit, git, state, check };
}

await t.test('an operator is needed: that first, and 13', { skip }, async (t) => {
  const { directory, git, check } = await upToDate(t);
  t.match(await check(), { exitCode: 0, stdout: /^up to date: \w+$/ });
  const why = { reason: 'web never came back', at: '2026-01-01T00:00:00Z', transaction: 't1' };
  writeFileSync(join(directory, 'state/needs-operator.json'), JSON.stringify(why));
  const said = await check();
  t.match(said.stdout, /^an operator is needed: web never came back: .*acknowledge\nup to date/);
  t.equal(said.exitCode, 13);
  await git('commit', '--quiet', '--allow-empty', '--message=second');
  t.match(await check(), { exitCode: 13, stdout: /\nan update is waiting: / });
  const json = await check('--json');
  t.equal(json.exitCode, 13);
  t.match(JSON.parse(json.stdout), { waiting: true, needsOperator: 'web never came back' });

  await git('remote', 'set-url', 'origin', '/nonexistent');
  const dark = await check();
  t.match(dark.stdout, /^an operator is needed: [^\n]*$/, 'the remote need not be there');
  t.equal(dark.exitCode, 13);
});

await t.test(
  'an update was cut off: 13 and recover, but not while it runs',
  { skip },
  async (t) => {
    const { directory, state, check } = await upToDate(t);
    const [, run] = busyReport.transactions;
    if (run === undefined) throw new Error('there is no such run');
    const models = model({ web: { image: 'web:1' } });
    await openTransaction(state, ID, {
      plan: run.plan,
      oldModel: models,
      newModel: models,
      oldFingerprint: {},
      newFingerprint: {},
      baseline: [],
      endedBefore: [],
    });
    await appendEntry(state, ID, { at: '2026-01-01T00:00:00Z', state: 'APPLYING' });
    const said = await check();
    t.match(
      said.stdout,
      /^an update was cut off .*\(20261121T000000Z-x\): orchestrator-update recover\n/,
    );
    t.equal(said.exitCode, 13);
    t.match(JSON.parse((await check('--json')).stdout), { unfinished: ID });
    const lock = acquireLock(join(directory, 'state/lock'));
    t.match(await check(), { exitCode: 0, stdout: /^up to date/ }, 'a run sees to it');
    lock?.release();
  },
);

await t.test('images wait for a person: 10, and what to type', { skip }, async (t) => {
  const { commit, state, check } = await upToDate(t);
  const awaiting = {
    id: '3f9c01ab',
    hash: '3f9c01ab00',
    because: ['mode: notify'],
    at: '2026-01-01T00:00:00Z',
    force: false,
    from: commit,
    commit,
    verdict: 'images',
    strategy: 'reconcile',
    services: [],
    risks: [],
    bringsDataBack: false,
    contents: '',
    digests: {},
    moved: [{ reference: 'web:1', digest: 'sha256:2' }],
  };
  await state.write('awaiting.json', JSON.stringify(awaiting));
  const said = await check();
  t.match(said.stdout, /^new images of \w+ wait for approval \(3f9c01ab\): .*approve 3f9c01ab$/);
  t.equal(said.exitCode, 10);
  const facts = JSON.parse((await check('--json')).stdout);
  t.match(facts, { waiting: true, images: { id: '3f9c01ab', approved: false } });

  await state.write('approval.json', JSON.stringify({ ...awaiting, by: 'geo' }));
  t.match(await check(), { exitCode: 10, stdout: /are approved, and wait for a run/ });
  t.match(await check('--set', 'images.mode=off'), { exitCode: 0, stdout: /^up to date/ });
});
