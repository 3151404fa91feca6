/**
 * A run that ends an update, and is killed before it has told anybody: node end-and-die.ts STATE NOTE.
 */
import { openStateFiles } from '../../src/host/state-files.ts';
import { raise } from '../../src/notices.ts';
import { appendEntry, closeTransaction, openTransaction } from '../../src/records.ts';
import { model } from './builders.ts';
import { before, now, transactionOf } from './transactions.ts';

const [, , directory = '', note = ''] = process.argv;
const state = openStateFiles(directory);
const { id, plan, entries } = transactionOf('ROLLED_BACK', { note });
await raise(state, { kind: 'transaction', id, atMs: Date.now() });
await openTransaction(state, id, {
  plan,
  oldModel: model(before),
  newModel: model(now),
  oldFingerprint: {},
  newFingerprint: {},
  baseline: [],
  endedBefore: [],
});
for (const entry of entries) await appendEntry(state, id, entry);
await closeTransaction(state);
process.kill(process.pid, 'SIGKILL');
