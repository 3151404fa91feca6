import { packagesOfEngines, type EngineParts } from './engine-parts.ts';

/** What becomes of one package. */
export interface PackageChange {
  readonly name: string;
  /** The version that is there; undefined where it is new. */
  readonly from: string | undefined;
  /** The version that takes its place; undefined where it is removed. */
  readonly to: string | undefined;
  /** It comes from a security archive of the distribution. */
  readonly isSecurity?: true;
}

/** What an upgrade of an engine would do. */
export interface EngineUpgrade {
  /** In the order of the package manager; none where nothing is newer. */
  readonly changes: readonly PackageChange[];
  /** Why it must not be done like this. */
  readonly refusals: readonly string[];
}

/** Packages that may take another's place: docker.io 28 brings its init as tini-static, which removes tini. */
const swaps: Readonly<Record<string, string>> = { tini: 'tini-static' };

/** The packages of an engine that are installed. */
export function upgradable({ parts }: EngineParts): string[] {
  return [...new Set(parts.flatMap(({ package: found }) => (found ? [found.name] : [])))];
}

/**
 * Judges what the package manager would do: an upgrade of the engine touches the engine's packages, and may bring
 * new ones that they need. What else is on the host stays as it is.
 */
export function judgeUpgrade(changes: readonly PackageChange[]): EngineUpgrade {
  const engine = new Set(packagesOfEngines);
  const installed = new Set(changes.filter(({ to }) => to !== undefined).map(({ name }) => name));
  const refusals = changes.flatMap(({ name, from, to }) => {
    if (to === undefined) {
      const successor = swaps[name];
      const isSwapped = successor !== undefined && installed.has(successor);
      return isSwapped ? [] : [`it would remove ${name} ${from ?? ''}`.trim()];
    }
    const isOfHost = from !== undefined && !engine.has(name) && !(name in swaps);
    return isOfHost
      ? [`it would upgrade ${name} ${from} to ${to}, which is not of the engine`]
      : [];
  });
  return { changes, refusals };
}

/** Whether two plans do the same, in whatever order. */
export function sameChanges(
  left: readonly PackageChange[],
  right: readonly PackageChange[],
): boolean {
  const textOf = (changes: readonly PackageChange[]): string =>
    changes
      .map(({ name, from = '', to = '' }) => `${name} ${from} ${to}`)
      .toSorted()
      .join('\n');
  return textOf(left) === textOf(right);
}

/** Whether a package has dockerd itself in it. */
export function isDockerd(name: string): boolean {
  return name === 'docker.io' || name === 'docker-ce';
}

/** Whether a package is of dockerd's own version. */
export function followsDockerd(name: string): boolean {
  return isDockerd(name) || name === 'docker-cli' || name === 'docker-ce-cli';
}

/**
 * Whether a version of a package (`5:28.5.2-1~debian.13`, `28.5.2+dfsg4-5`) is the one that a person names: in full, or
 * by its first three numbers.
 */
export function isVersion(version: string, named: string): boolean {
  const upstream = version.replace(/^\d+:/, '');
  if (version === named || upstream === named) return true;
  return upstream.startsWith(named) && /^[^\d.]/.test(upstream.slice(named.length));
}

/**
 * The packages of the engine itself that are there before (`from`) or after (`to`) some changes: they are held. What else
 * they need, as an init, may be upgraded by anybody, and a hold would keep the engine from it.
 */
export function heldIn(changes: readonly PackageChange[], side: 'from' | 'to'): string[] {
  return changes
    .filter((one) => one[side] !== undefined && packagesOfEngines.includes(one.name))
    .map(({ name }) => name);
}
