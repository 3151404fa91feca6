import {
  auditPackages,
  configurePackages,
  downloadPackages,
  forceFiles,
  holdPackages,
  installFiles,
  listCandidates,
  listHeld,
  listInstalled,
  listVersions,
  packageFields,
  readPackage,
  repackPackage,
  simulateFiles,
  simulateUpgrade,
  unholdPackages,
  verifyPackages,
} from '../argv/apt.ts';
import { POLICY } from '../argv/engine-upgrade.ts';
import { candidatesIn, changesIn, installedIn, isDamagedIn, versionsIn } from '../core/apt.ts';
import type { PackageFacts } from '../core/engine-parts.ts';
import { messageOf } from '../errors.ts';
import { exec } from './exec.ts';
import type { PackageFiles, PackageHost } from './package-host.ts';

const TIMEOUT_SECONDS = 60;
const FILES_SECONDS = 120;
const HOLD_SECONDS = 15;
/** Where apt keeps what it has downloaded. */
const CACHE = '/var/cache/apt/archives';

/** apt and dpkg of Debian and Ubuntu. */
export const apt: PackageHost = {
  manager: 'apt',
  installed,
  simulate: async (wishes) => {
    const words = wishes.map(({ name, version }) => (version ? `${name}=${version}` : name));
    const { stdout } = await exec(simulateUpgrade(words), { timeoutSeconds: TIMEOUT_SECONDS });
    return changesIn(stdout);
  },
  versions: async (name) => {
    const { stdout } = await exec(listVersions(name), { timeoutSeconds: TIMEOUT_SECONDS });
    return versionsIn(stdout);
  },
  held: async (names) => {
    const { stdout } = await exec(listHeld, { timeoutSeconds: HOLD_SECONDS });
    const all = new Set(stdout.split('\n'));
    return names.filter((name) => all.has(name));
  },
  hold: async (names) => {
    await exec(holdPackages(names), { timeoutSeconds: HOLD_SECONDS });
  },
  unhold: async (names) => {
    await exec(unholdPackages(names), { timeoutSeconds: HOLD_SECONDS });
  },
  damaged: async (names) => {
    const found = await Promise.all(
      (await installed(names)).map(async ({ name }) => {
        const options = { timeoutSeconds: FILES_SECONDS, accept: [1] };
        const { stdout } = await exec(verifyPackages([name]), options).catch(() => ({
          stdout: '',
        }));
        return isDamagedIn(stdout) ? [name] : [];
      }),
    );
    return found.flat();
  },
  unfinished: async () => {
    try {
      const { stdout } = await exec(auditPackages, { timeoutSeconds: FILES_SECONDS, accept: [1] });
      return stdout.trim() === '' ? undefined : stdout.trim();
    } catch (error) {
      return messageOf(error);
    }
  },
  files: files(),
};

async function installed(names: readonly string[]): Promise<PackageFacts[]> {
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
}

function files(): PackageFiles {
  return {
    caches: () => Promise.resolve([CACHE]),
    mayBe: (file, name) => file.startsWith(`${name}_`) && file.endsWith('.deb'),
    describe: async (path) => {
      const said = await exec(packageFields(path), { timeoutSeconds: FILES_SECONDS }).catch(() => ({
        stdout: '',
      }));
      const [name = '', version = ''] = said.stdout.split('\t');
      return name === '' ? undefined : { name, version };
    },
    verify: async (path) => {
      await exec(readPackage(path), { timeoutSeconds: FILES_SECONDS });
    },
    download: ({ name, version }) => downloadPackages([`${name}=${version}`]),
    repack: repackPackage,
    simulate: async (paths, removed) => {
      const command = simulateFiles(paths, removed);
      return changesIn((await exec(command, { timeoutSeconds: FILES_SECONDS })).stdout);
    },
    install: (paths, removed) => Promise.resolve([installFiles(paths, removed)]),
    force: forceFiles,
    finish: configurePackages,
    deferral: (policy) => ({
      // A program that says no (101). Only that unit sees it: nothing of it is left wherever we are cut off.
      properties: [`BindReadOnlyPaths=${policy}:${POLICY}`],
      environment: ['DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_SUSPEND=1'],
    }),
  };
}
