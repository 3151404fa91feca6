import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Test } from 'tap';
import { historySchema } from '../../src/config/history-schema.ts';
import type { BytesDone } from '../../src/core/history.ts';
import { createHistory } from '../../src/host/history.ts';
import type { HistoryHost } from '../../src/host/history-host.ts';
import type { OperatorError } from '../../src/errors.ts';
import { ownersDirectory, type Teardown } from './git-world.ts';

export const PASSWORD = 'correct-horse-battery';

/** What was made, and what of. */
export const facts = {
  name: 'B1',
  commit: 'c'.repeat(40),
  at: new Date('2026-01-02T03:04:05Z'),
};

/** With a kind where it is restic that failed. */
export type HistoryFailure = OperatorError & { readonly kind?: string };

/** A backup to add, a repository to add it to, and what was told meanwhile. */
export interface HistoryWorld {
  readonly base: string;
  /** A finished backup with 200 small files and two large ones. */
  readonly backup: string;
  readonly repository: string;
  readonly passwordFile: string;
  readonly history: HistoryHost;
  readonly progress: (readonly [string, BytesDone | undefined])[];
  /** Another host, or other settings, with the same repository. */
  other(options: HistoryOptions): HistoryHost;
}

interface HistoryOptions {
  readonly host?: string;
  /** What is configured otherwise. */
  readonly keys?: object;
  readonly now?: () => Date;
  readonly signal?: AbortSignal;
}

const FILES = 200;

/** @param repository below the directory of the test if it is not a path of its own */
export function historyWorld(t: Teardown, repository = 'repository'): HistoryWorld {
  const base = ownersDirectory(t, 'history');
  const passwordFile = join(base, 'password');
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const progress: HistoryWorld['progress'] = [];
  const place = repository.includes(':') ? repository : join(base, repository);
  const other = ({ host = 'vm', keys = {}, now, signal }: HistoryOptions): HistoryHost => {
    const config = historySchema.parse({
      repository: place,
      password_file: passwordFile,
      ...keys,
    });
    const history = createHistory({
      config,
      project: 'shop',
      host,
      cacheDirectory: join(base, 'cache'),
      now: now ?? (() => new Date()),
      signal: () => signal,
      watch: { started: () => {}, line: () => {} },
      onProgress: (status, bytes) => void progress.push([status, bytes]),
      lockWaitSeconds: 1,
    });
    if (history === undefined) throw new Error('no history');
    return history;
  };
  const backup = join(base, 'backups/B1');
  makeBackup(backup);
  return { base, backup, repository: place, passwordFile, history: other({}), progress, other };
}

function makeBackup(directory: string): void {
  mkdirSync(join(directory, 'shop/data'), { recursive: true });
  writeFileSync(join(directory, 'manifest.json'), '{"name":"B1"}\n');
  for (let index = 0; index < FILES; index += 1) {
    writeFileSync(join(directory, `shop/data/${index}`), noise(10_000, index));
  }
  for (const name of ['a', 'b']) {
    writeFileSync(join(directory, `shop/${name}.db`), noise(4_000_000, name.charCodeAt(0) * 1000));
  }
}

/** Bytes that no compression makes smaller, the same each time. */
export function noise(bytes: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = seed * 2_654_435_761 + 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return Buffer.from(words.buffer, 0, bytes);
}

/** The next backup: a copy with inodes and times of its own, under another name. */
export async function copyBackup(world: HistoryWorld, name: string): Promise<string> {
  const copy = join(world.base, 'backups', name);
  await execa('cp', ['--archive', world.backup, copy]);
  writeFileSync(join(copy, 'manifest.json'), `{"name":"${name}"}\n`);
  return copy;
}

/** restic as somebody else runs it. */
export function byHand(world: HistoryWorld, args: readonly string[], cwd = '/') {
  return execa('restic', args, {
    env: {
      RESTIC_REPOSITORY: world.repository,
      RESTIC_PASSWORD_FILE: world.passwordFile,
      RESTIC_CACHE_DIR: join(world.base, 'cache by hand'),
    },
    reject: false,
    cwd,
  });
}

/** A restic that runs. */
type Running = ReturnType<typeof byHand>;

/** A restic that has the repository locked for itself, and is stopped in the middle. */
export async function stoppedCheck(world: HistoryWorld): Promise<{ readonly check: Running }> {
  const check = byHand(world, ['check', '--read-data']);
  await untilLocked(world);
  check.kill('SIGSTOP');
  // Not by itself: `await` would wait for its end.
  return { check };
}

/** Waits until some restic has a lock. */
export async function untilLocked(world: HistoryWorld): Promise<void> {
  const locks = join(world.repository, 'locks');
  const until = performance.now() + 20_000;
  while (!readdirSync(locks).some((name) => /^[0-9a-f]{64}$/.test(name))) {
    if (performance.now() > until) throw new Error(`no lock in ${locks}`);
    await new Promise((done) => setTimeout(done, 2));
  }
}

/** The process of the restic that backs up a directory. */
export function resticIn(directory: string): number {
  const found = readdirSync('/proc').find((pid) => {
    try {
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      return name === 'restic' && readlinkSync(`/proc/${pid}/cwd`) === directory;
    } catch {
      // Not a process, or one that ended meanwhile.
      return false;
    }
  });
  if (found === undefined) throw new Error(`no restic in ${directory}`);
  return Number(found);
}

/** The largest pack: it holds data, not trees. */
export function largestPack(world: HistoryWorld): string {
  const data = join(world.repository, 'data');
  const packs = readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const [largest] = packs.toSorted((a, b) => statSync(b).size - statSync(a).size);
  if (largest === undefined) throw new Error(`no packs in ${data}`);
  return largest;
}

/** The error of what must fail, with nothing secret in it. */
export async function errorOf(t: Test, promise: Promise<unknown>): Promise<HistoryFailure> {
  const error = await promise.then(
    () => undefined,
    (thrown: HistoryFailure) => thrown,
  );
  if (error === undefined) throw new Error('it did not fail');
  t.notMatch(`${error.message} ${error.next}`, new RegExp(`${PASSWORD}|s3cret`));
  t.notMatch(error.message, /\n|restic\/internal/, 'one line, no stack trace');
  t.ok(error.next !== '');
  return error;
}
