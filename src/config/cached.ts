import { createHash } from 'node:crypto';
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

/** A digest of all that the configuration is made of. */
export function configKey(settings: Settings, environment: NodeJS.ProcessEnv): string {
  const hash = createHash('sha256');
  const variables = Object.entries(environment)
    .filter(([name]) => name.startsWith('ORCHESTRATOR_UPDATE_'))
    .map(([name, value]) => `${name}=${value}`)
    .toSorted((left, right) => (left < right ? -1 : 1));
  hash.update(JSON.stringify([settings, variables, import.meta.url]));
  try {
    hash.update(readFileSync(settings.configFile));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return hash.digest('hex');
}
