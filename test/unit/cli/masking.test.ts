import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openStateFiles } from '../../../src/host/state-files.ts';
import { appendEntry, closeTransaction, openTransaction } from '../../../src/records.ts';
import { model } from '../../support/builders.ts';
import { runProgram } from '../../support/cli.ts';
import { busyReport } from '../../support/sample-report.ts';

const secret = 'hunter2-9f83c1';

await t.test('history and status show no secret that a note has, nor does --json', async (t) => {
  const directory = t.testdir({ 'update_config.yaml': 'root: /nonexistent/shop\n', state: {} });
  const state = openStateFiles(join(directory, 'state'));
  const [, run] = busyReport.transactions;
  if (run === undefined) throw new Error('there is no such run');
  const models = model({ web: { image: 'web:1', environment: { API_TOKEN: secret } } });
  await openTransaction(state, '20261121T000000Z-x', {
    plan: { ...run.plan, reasons: [`service web: ${secret}`] },
    oldModel: models,
    newModel: models,
    oldFingerprint: {},
    newFingerprint: {},
    baseline: [],
    endedBefore: [],
  });
  const said = `not healthy: HTTP 503: ${secret}, at //app:other-word@database`;
  for (const entry of run.entries) {
    const note = entry.note === undefined ? {} : { note: said };
    await appendEntry(state, '20261121T000000Z-x', { ...entry, ...note });
  }
  await closeTransaction(state);
  const latch = { reason: said, at: '2026-01-01T00:00:00Z', transaction: 'x' };
  writeFileSync(join(directory, 'state/needs-operator.json'), JSON.stringify(latch));
  for (const args of [
    ['history'],
    ['history', '--json'],
    ['status'],
    ['status', '--json'],
    ['check'],
  ]) {
    const { stdout } = await runProgram(directory, args);
    t.match(stdout, 'not healthy: HTTP 503: …, at //…@database', args.join(' '));
    t.notMatch(stdout, secret, args.join(' '));
    t.notMatch(stdout, 'other-word', args.join(' '));
  }
});
