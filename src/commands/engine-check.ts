import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../command-table.ts';
import { readCachedConfig } from '../config/cached.ts';
import { isCheckDue, type EngineCheck } from '../core/engine-mode.ts';
import { heldBack } from '../schedule.ts';
import { files } from '../state-names.ts';

/** Whether the timer is to have a look at what of the engine can be had; from one small file. */
export function isEngineCheckDue({ settings, environment }: Invocation, now: Date): boolean {
  const config = readCachedConfig(settings, environment);
  if (config === undefined) return false;
  const { mode, windows } = config.engine;
  const when = { now, isAutomatic: true };
  const isOpen = heldBack(undefined, { windows, freezes: [] }, when) === undefined;
  const isFrozen = heldBack(undefined, { ...config.schedule, windows: [] }, when) !== undefined;
  if (isFrozen) return false;
  return isCheckDue(mode, readCheck(settings.stateDirectory), { nowMs: now.getTime(), isOpen });
}

function readCheck(stateDirectory: string): EngineCheck | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDirectory, files.engineCheck), 'utf8')) as EngineCheck;
  } catch {
    return undefined;
  }
}
