/** What a Watchtower was told: each flag with its values, and the names of containers. */
export interface Told {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly names: readonly string[];
}

const SHORT: Readonly<Record<string, string>> = {
  a: 'api-version',
  c: 'cleanup',
  d: 'debug',
  e: 'label-enable',
  h: 'help',
  H: 'host',
  i: 'interval',
  l: 'log-format',
  m: 'monitor-only',
  n: 'notifications',
  P: 'porcelain',
  R: 'run-once',
  s: 'schedule',
  S: 'include-stopped',
  t: 'stop-timeout',
  v: 'tlsverify',
  x: 'disable-containers',
};

/** The flags of all three that have no value behind them, but for `=true` and `=false`. */
const WITHOUT_VALUE = new Set([
  'audit-unmanaged',
  'cleanup',
  'compose-depends-on',
  'debug',
  'disable-memory-swappiness',
  'enable-lifecycle-hooks',
  'health-check',
  'health-check-gated',
  'help',
  'http-api-audit',
  'http-api-containers',
  'http-api-metrics',
  'http-api-metrics-no-auth',
  'http-api-periodic-polls',
  'http-api-update',
  'include-restarting',
  'include-stopped',
  'label-enable',
  'label-take-precedence',
  'monitor-only',
  'no-color',
  'no-pull',
  'no-restart',
  'no-startup-message',
  'no-watchdog',
  'notification-log-stdout',
  'notification-report',
  'notification-skip-title',
  'notification-split-by-container',
  'preflight',
  'registry-tls-skip',
  'remove-volumes',
  'rerun-init-deps',
  'revive-stopped',
  'rolling-restart',
  'run-once',
  'self-update-orchestrator',
  'tlsverify',
  'trace',
  'update-on-start',
  'use-compose-depends-on',
  'watch-docker-events',
]);

/**
 * Reads the arguments of a Watchtower. A flag that nobody knows here is taken for one with a value, if a word without a
 * dash follows: that may lose the name of a container, and then more is taken for watched than is, never less.
 */
export function readArguments(words: readonly string[]): Told {
  const flags = new Map<string, string[]>();
  const names: string[] = [];
  const add = (name: string, value: string): void => {
    flags.set(name, [...(flags.get(name) ?? []), value]);
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      names.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      names.push(word);
      continue;
    }
    for (const { name, value } of flagsIn(word)) {
      const next = words[at + 1];
      const takesNext =
        value === undefined && !WITHOUT_VALUE.has(name) && next?.startsWith('-') === false;
      if (takesNext) at += 1;
      add(name, value ?? (takesNext ? (next ?? '') : 'true'));
    }
  }
  return { flags, names };
}

interface Flag {
  readonly name: string;
  /** Undefined where it is the next word, if there is one. */
  readonly value: string | undefined;
}

/** `--name`, `--name=value`, or short ones: `-ce`, `-i 30`, `-i30`. */
function flagsIn(word: string): Flag[] {
  if (word.startsWith('--')) {
    const [name = '', ...rest] = word.slice(2).split('=');
    return [{ name, value: rest.length > 0 ? rest.join('=') : undefined }];
  }
  const letters = word.slice(1);
  const found: Flag[] = [];
  for (let at = 0; at < letters.length; at++) {
    const name = SHORT[letters.charAt(at)] ?? letters.charAt(at);
    const rest = letters.slice(at + 1).replace(/^=/, '');
    if (WITHOUT_VALUE.has(name) && !letters.slice(at + 1).startsWith('=')) {
      found.push({ name, value: undefined });
      continue;
    }
    return [...found, { name, value: rest === '' ? undefined : rest }];
  }
  return found;
}

/** What Go takes for true; undefined for what it cannot read. */
export function truth(text: string | undefined): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text ?? '')) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text ?? '') ? false : undefined;
}
