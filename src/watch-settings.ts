import { ConfigError } from './errors.ts';

/** What the environment asks of the update manager. */
export interface WatchSettings {
  readonly intervalSeconds: number;
  /** `false`: nothing is applied, only told. */
  readonly isAutomatic: boolean;
  /** Somebody who is told, beside those of the configuration. May be a secret. */
  readonly webhookUrl: string | undefined;
}

/** Names of the environment that are the update manager's own. */
export const WATCH_VARIABLES = ['UPDATE_INTERVAL', 'AUTO_UPDATE', 'WEBHOOK_URL'] as const;

/** As often as the timer of the host's service. */
const USUAL_SECONDS = 3600;
const MOST_SECONDS = 604_800;

const YES = ['true', 'yes', 'on', '1'];
const NO = ['false', 'no', 'off', '0'];

/** Reads the environment; what is empty is not set, as docker compose passes it on. @throws {ConfigError} */
export function readWatchSettings(
  environment: Readonly<Record<string, string | undefined>>,
): WatchSettings {
  const told = (name: (typeof WATCH_VARIABLES)[number]): string | undefined =>
    environment[name]?.trim() || undefined;
  return {
    intervalSeconds: intervalIn(told('UPDATE_INTERVAL')),
    isAutomatic: isAutomaticIn(told('AUTO_UPDATE')),
    webhookUrl: urlIn(told('WEBHOOK_URL')),
  };
}

function intervalIn(text: string | undefined): number {
  if (text === undefined) return USUAL_SECONDS;
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= MOST_SECONDS) return seconds;
  throw new ConfigError(
    `UPDATE_INTERVAL: ${JSON.stringify(text)} is no number of seconds from 1 to ${MOST_SECONDS}`,
    `UPDATE_INTERVAL=${USUAL_SECONDS}    # an hour`,
  );
}

function isAutomaticIn(text: string | undefined): boolean {
  const word = text?.toLowerCase() ?? 'true';
  if (YES.includes(word)) return true;
  if (NO.includes(word)) return false;
  throw new ConfigError(
    `AUTO_UPDATE: ${JSON.stringify(text)} is neither true nor false`,
    'AUTO_UPDATE=false    # only tells that there is an update',
  );
}

/** Its text is in no message: it may be a secret. */
function urlIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (/^https?:\/\/\S+$/.test(text) && URL.canParse(text)) return text;
  throw new ConfigError(
    'WEBHOOK_URL is no http:// or https:// URL',
    'WEBHOOK_URL=https://…    # or notify.targets in the configuration, docs/notifications.md',
  );
}
