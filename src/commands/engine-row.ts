import { upgradeText } from '../core/engine-mode.ts';
import { readEngineCheck } from '../engine-by-itself.ts';
import type { StateHost } from '../host/host.ts';
import { files } from '../state-names.ts';

/** What is to be said of the engine in a status. */
export interface EngineNews {
  /** A change of it is under way, or was cut off. */
  readonly isUnfinished: boolean;
  /** What can be had, in a few words, as it was seen last. */
  readonly available: string | null;
}

export async function readEngineNews(state: StateHost): Promise<EngineNews> {
  const check = await readEngineCheck(state);
  const changes = check?.changes ?? [];
  return {
    isUnfinished: (await state.read(files.engineTransaction)) !== undefined,
    available: changes.length === 0 ? null : upgradeText(changes),
  };
}

/** None where there is nothing to say. */
export function engineRows({ isUnfinished, available }: EngineNews): string[][] {
  if (isUnfinished) return [['engine', 'is being changed: journalctl -u orchestrator-engine -f']];
  if (available === null) return [];
  return [['engine', `${available} can be had: orchestrator-update engine upgrade`]];
}
