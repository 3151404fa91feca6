import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCachedConfig } from './config/cached.ts';
import type { Config } from './config/schema.ts';
import type { LastLook } from './core/image-due.ts';
import type { Hold } from './schedule.ts';
import { ownerOf } from './host/owner.ts';
import { remoteTip } from './host/remote-tip.ts';
import { files } from './state-names.ts';
import type { Settings } from './settings.ts';

/** What one `ls-remote` tells. */
export interface QuickLook {
  readonly config: Config;
  readonly deployed: string;
  readonly tip: string;
  /** Why the tip is not applied, if it is quarantined. */
  readonly quarantineReason: string | undefined;
  readonly hold: Hold | undefined;
  /** When registries were asked last, and whether images wait for a person, or to be tried again; undefined where none are followed. */
  readonly images: { readonly last: LastLook | undefined; readonly isOpen: boolean } | undefined;
}

/**
 * Asks the remote for its tip and compares it with what was deployed, with nothing else loaded
 * or touched. Most runs end here.
 *
 * @returns undefined where more has to be known: nothing was deployed yet, something is
 *   unfinished, or the configuration changed
 */
export async function quickLook(
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<QuickLook | undefined> {
  const at = (name: string): string => join(settings.stateDirectory, name);
  const unfinished = [files.active, files.needsOperator, files.frozen, files.towers];
  if (unfinished.some((name) => existsSync(at(name)))) return undefined;
  const deployed = readJson(at(files.deployed)) as
    | { commit?: string; repository?: string }
    | undefined;
  const config = readCachedConfig(settings, environment);
  if (!deployed?.commit || !deployed.repository || !config) return undefined;
  if (!existsSync(deployed.repository)) return undefined;
  const owner = ownerOf(deployed.repository);
  const { remote, branch, timeouts } = config;
  const tip = await remoteTip(
    { repository: deployed.repository, remote, branch, owner },
    { timeoutSeconds: timeouts.remote_seconds, ...(signal ? { signal } : {}) },
  );
  const quarantine = readJson(at(files.quarantine)) ?? [];
  const hold = readJson(at(files.hold)) as Hold | undefined;
  // What is damaged is for the whole run to say.
  if (!Array.isArray(quarantine) || (hold !== undefined && typeof hold?.at !== 'string')) {
    return undefined;
  }
  const all = quarantine as ({ commit?: string; reason?: string } | null)[];
  const quarantineReason = all.find((one) => one?.commit === tip)?.reason;
  const images = config.images.mode === 'builtin' ? imagesAt(at, deployed.commit) : undefined;
  return { config, deployed: deployed.commit, tip, quarantineReason, hold, images };
}

function imagesAt(at: (name: string) => string, commit: string): QuickLook['images'] {
  const last = readJson(at(files.imageCheck)) as Partial<LastLook> | null | undefined;
  const isWhole = typeof last?.at === 'string' && Array.isArray(last.failed);
  const told = readJson(at(files.awaiting)) as { commit?: string; moved?: unknown } | undefined;
  const retry = readJson(at(files.retry)) as { commit?: string } | undefined;
  const isAwaited = told?.moved !== undefined && told.commit === commit;
  return {
    last: isWhole ? (last as LastLook) : undefined,
    isOpen: isAwaited || retry?.commit?.startsWith('images ') === true,
  };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
