import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../settings.ts';
import type { Config } from './schema.ts';

/**
 * The configuration as it was last read and found good, if nothing it was made of has changed
 * since: the file, the environment, the flags, this program. Saves the parser and the schema on
 * the way to "nothing to do".
 */
export function readCachedConfig(
  settings: Settings,
  environment: NodeJS.ProcessEnv,
): Config | undefined {
  try {
    const cached = JSON.parse(readFileSync(cacheFile(settings), 'utf8')) as {
      key: string;
      config: Config;
    };
    return cached.key === configKey(settings, environment) ? cached.config : undefined;
  } catch {
    return undefined;
  }
}

/** Where the cached configuration is kept: it is root's, as the configuration is. */
export function cacheFile(settings: Settings): string {
  return join(settings.stateDirectory, 'config-cache.json');
}

/** All that the configuration is made of. Not its digest: node:crypto takes 5 ms CPU to load. */
export function configKey(settings: Settings, environment: NodeJS.ProcessEnv): string {
  const variables = Object.entries(environment)
    .filter(([name]) => name.startsWith('ORCHESTRATOR_UPDATE_'))
    .map(([name, value]) => `${name}=${value}`)
    .toSorted((left, right) => (left < right ? -1 : 1));
  return JSON.stringify([settings, variables, import.meta.url, textOf(settings.configFile)]);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}
