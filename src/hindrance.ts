import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

const hindrances = [
  [files.active, 'an update is unfinished'],
  [files.needsOperator, 'an operator is needed: orchestrator-update status'],
  [files.frozen, 'a backup is unfinished'],
  [files.hold, 'updates are on hold'],
  [files.engineTransaction, 'a change of the engine is unfinished'],
] as const;

/** Why nothing more may be begun on this host now; undefined where it may. */
export async function hindranceIn(state: StateHost): Promise<string | undefined> {
  for (const [name, why] of hindrances) if ((await state.read(name)) !== undefined) return why;
  return undefined;
}
