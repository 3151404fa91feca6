import { DEFAULT_CONFIG_FILE } from './config/default-file.ts';

/** Where this process keeps things and reads its configuration; nothing else of the environment. */
export interface Settings {
  readonly configFile: string;
  /** Whether a person named the file, so that a missing one is an error. */
  readonly configFileRequired: boolean;
  /** `key=value` pairs of `--set`. */
  readonly overrides: readonly string[];
  readonly stateDirectory: string;
  readonly cacheDirectory: string;
  readonly debug: boolean;
}

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly config?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly debug?: boolean | undefined;
}

/** Flags win over the environment; systemd names the directories of its units there. */
export function readSettings(flags: GlobalFlags, environment: NodeJS.ProcessEnv): Settings {
  const named = flags.config ?? environment['ORCHESTRATOR_UPDATE_CONFIG'];
  return {
    configFile: named ?? DEFAULT_CONFIG_FILE,
    configFileRequired: named !== undefined,
    overrides: flags.set ?? [],
    stateDirectory: environment['ORCHESTRATOR_UPDATE_STATE_DIR'] ?? '/var/lib/orchestrator-update',
    cacheDirectory:
      environment['ORCHESTRATOR_UPDATE_CACHE_DIR'] ?? '/var/cache/orchestrator-update',
    debug: flags.debug ?? environment['ORCHESTRATOR_UPDATE_DEBUG'] === '1',
  };
}
