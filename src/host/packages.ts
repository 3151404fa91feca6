import { listCandidates, listHeld, listInstalled } from '../argv/apt.ts';
import { candidatesIn, installedIn } from '../core/apt.ts';
import type { PackageFacts } from '../core/engine-parts.ts';
import { exec } from './exec.ts';
import { pathExists } from './disk.ts';

/** What the package manager of this host knows and does. */
export interface PackageHost {
  /** Those of these packages that are installed, also half of them. */
  installed(names: readonly string[]): Promise<PackageFacts[]>;
}

const TIMEOUT_SECONDS = 60;

/** apt of Debian and Ubuntu; undefined where there is none. */
export async function openApt(): Promise<PackageHost | undefined> {
  if (!(await pathExists('/usr/bin/apt-get'))) return undefined;
  return {
    installed: async (names) => {
      // 1: one of them is not known.
      const options = { timeoutSeconds: TIMEOUT_SECONDS, accept: [1] };
      const [known, candidates, held] = await Promise.all([
        exec(listInstalled(names), options),
        exec(listCandidates(names), options),
        exec(listHeld, options),
      ]);
      return installedIn(
        known.stdout,
        new Set(held.stdout.split('\n')),
        candidatesIn(candidates.stdout),
      );
    },
  };
}
