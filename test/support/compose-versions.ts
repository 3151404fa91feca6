import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { command, type Progress } from '../lab/command.ts';
import { debianMirror } from '../lab/machine-pool.ts';
import { debCacheDir } from '../lab/paths.ts';
import { installPrograms } from '../lab/programs.ts';

interface ComposePackage {
  /** Of the Debian package. */
  readonly revision: string;
  /** Architecture, as Node calls it → SHA-256 of the package. */
  readonly sha256: Readonly<Record<string, string>>;
}

/** The version of Debian 13, which made the truth of the corpus, and one of the current releases. */
const packages = {
  '2.26.1': {
    revision: '2.26.1-4',
    sha256: {
      x64: '47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea',
      arm64: 'bbafaa666f3e7fa00ad36f2a8bab889f1c791ca8743d674e7267a3d07203869c',
    },
  },
  '2.40.3': {
    revision: '2.40.3-3',
    sha256: {
      x64: 'e7603d5e6df0f8404f7b03da478022b87d7b50644cffe68884b071e5cfc17fd3',
      arm64: 'a7c33f38d80c4fad61d426fd47e0b7f1e81ad4a643e4e4cee3401e6f8638d359',
    },
  },
} as const satisfies Record<string, ComposePackage>;

export type ComposeVersion = keyof typeof packages;
export const composeVersions = Object.keys(packages) as ComposeVersion[];

export function isComposeVersion(text: string): text is ComposeVersion {
  return Object.hasOwn(packages, text);
}

const DOWNLOAD_SECONDS = 300;

/**
 * A directory with nothing in it but `docker-compose` of that version, downloaded unless it is there:
 * as the whole of PATH it also keeps a `docker compose` of this machine out. Any number of
 * processes may ask at once.
 */
export async function composeDirectory(
  version: ComposeVersion,
  onProgress: Progress,
): Promise<string> {
  const { revision, sha256 }: ComposePackage = packages[version];
  const expected = sha256[process.arch];
  if (expected === undefined) {
    const known = Object.keys(sha256).join(' and ');
    throw new Error(`docker compose ${version} is known for ${known} only, not ${process.arch}`);
  }
  const unpacked = join(cacheDirectory(), `docker-compose_${expected.slice(0, 10)}`);
  const programs = join(unpacked, 'usr/bin');
  if (existsSync(join(programs, 'docker-compose'))) return programs;

  await mkdir(cacheDirectory(), { recursive: true });
  await installPrograms({ curl: 'curl', 'dpkg-deb': 'dpkg' }, onProgress);
  const archive = await download(revision, expected, onProgress);
  const fresh = `${unpacked}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await command('dpkg-deb', ['-x', archive, fresh]);
  // The other process that was quicker unpacked the same.
  await rename(fresh, unpacked).catch(async (error: NodeJS.ErrnoException) => {
    await rm(fresh, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return programs;
}

/** The lab's, whose hosts have the same package; of others' own where it is not theirs to write. */
function cacheDirectory(): string {
  return process.getuid?.() === 0
    ? debCacheDir
    : join(homedir(), '.cache/orchestrator-update-tests');
}

/** The package, from the cache unless it is missing or damaged there. */
async function download(revision: string, sha256: string, onProgress: Progress): Promise<string> {
  const name = `docker-compose_${revision}_${process.arch === 'x64' ? 'amd64' : process.arch}.deb`;
  const archive = join(cacheDirectory(), name);
  if (existsSync(archive) && (await digest(archive)) === sha256) return archive;
  const url = `${await debianMirror()}/pool/main/d/docker-compose/${name}`;
  onProgress(`downloading ${url}`);
  const fresh = `${archive}.${process.pid}`;
  await command('curl', ['-fsSL', '--retry', '3', '-o', fresh, url], {
    timeoutSeconds: DOWNLOAD_SECONDS,
  });
  const found = await digest(fresh);
  if (found !== sha256) {
    await rm(fresh);
    throw new Error(`${url} is not what it was: SHA-256 ${found}, not ${sha256}`);
  }
  await rename(fresh, archive);
  return archive;
}

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
