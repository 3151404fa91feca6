import { isDockerd, type PackageChange } from './engine-upgrade.ts';

/** What the timer does about a newer engine. */
export type EngineMode = 'off' | 'notify' | 'security' | 'auto';

/**
 * What is to be done about an upgrade that can be had.
 *
 * `security` takes what comes as a whole from a security archive of the distribution, or, of Docker's own archive, which
 * has none, brings nothing but other patch releases: the others are told.
 */
export function decide(
  mode: EngineMode,
  changes: readonly PackageChange[],
): 'nothing' | 'tell' | 'upgrade' {
  if (mode === 'off' || changes.length === 0) return 'nothing';
  if (mode === 'auto') return 'upgrade';
  if (mode === 'security' && isSecurity(changes)) return 'upgrade';
  return 'tell';
}

function isSecurity(changes: readonly PackageChange[]): boolean {
  const upgraded = changes.filter(({ from, to }) => from !== undefined && to !== undefined);
  const isDockers = changes.some(({ name }) => name === 'docker-ce');
  return upgraded.every((one) => one.isSecurity === true || (isDockers && isPatch(one)));
}

function isPatch({ from = '', to = '' }: PackageChange): boolean {
  return minorOf(from) !== undefined && minorOf(from) === minorOf(to);
}

/** `28.5` of `5:28.5.2-1~debian.13`. */
function minorOf(version: string): string | undefined {
  return /^(?:\d+:)?(\d+\.\d+)\./.exec(version)?.[1];
}

/** What is known since the last look at what can be had. */
export interface EngineCheck {
  readonly atMs: number;
  /** An upgrade waits for its maintenance window. */
  readonly isWaiting: boolean;
  /** What could be had. */
  readonly changes: readonly PackageChange[];
}

const HOUR_MS = 3_600_000;
const EVERY_MS = 20 * HOUR_MS;

/** Whether it is time to look: once a day, and when what waits may begin. */
export function isCheckDue(
  mode: EngineMode,
  last: Pick<EngineCheck, 'atMs' | 'isWaiting'> | undefined,
  { nowMs, isOpen }: { readonly nowMs: number; readonly isOpen: boolean },
): boolean {
  if (mode === 'off') return false;
  if (last === undefined || last.atMs > nowMs) return true;
  const ageMs = nowMs - last.atMs;
  return ageMs > EVERY_MS || (last.isWaiting && isOpen && ageMs > HOUR_MS);
}

/** An upgrade in a few words: what of dockerd itself, else of the first package. */
export function upgradeText(changes: readonly PackageChange[]): string {
  const first = changes.find(({ name }) => isDockerd(name)) ?? changes[0];
  if (first === undefined) return 'nothing newer';
  const others = changes.length > 1 ? ` and ${changes.length - 1} more packages` : '';
  return `${first.name} ${first.from ?? 'new'} → ${first.to ?? 'removed'}${others}`;
}
