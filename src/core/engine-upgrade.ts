import { packagesOfEngines, type EngineParts } from './engine-parts.ts';

/** What becomes of one package. */
export interface PackageChange {
  readonly name: string;
  /** The version that is there; undefined where it is new. */
  readonly from: string | undefined;
  /** The version that takes its place; undefined where it is removed. */
  readonly to: string | undefined;
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
