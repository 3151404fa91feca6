// Run under strace by test/integration/durability.test.ts: `write-records.ts DIRECTORY`. Writes what a run writes, with
// a process for each effect, as docker and git are.
import { execFileSync } from 'node:child_process';
import { openStateFiles } from '../../src/host/state-files.ts';
import {
  appendEntry,
  closeTransaction,
  openTransaction,
  writeDeployed,
} from '../../src/records.ts';
import type { Material } from '../../src/records.ts';

const state = openStateFiles(process.argv[2] ?? '');
const effect = (name: string): void => void execFileSync('/bin/true', [name]);
const at = '2026-01-01T00:00:00.000Z';

await openTransaction(state, 'T1', { plan: {} } as Material);
effect('after-open');
await appendEntry(state, 'T1', { at, state: 'PREPARING' });
effect('after-first-line');
await appendEntry(state, 'T1', { at, state: 'APPLYING', step: 'check out' });
effect('after-second-line');
await writeDeployed(state, { commit: 'c', at, repository: '/r' });
effect('after-deployed');
await closeTransaction(state);
effect('after-close');
