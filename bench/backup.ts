/**
 * `npm run bench:backup`: what a backup costs, beside tools that people use for it, in one run: a first
 * one, some after a small part has changed, some when nothing has. Needs root, restic and zstd, and room for six
 * times the data in TMPDIR. About 4 minutes.
 *
 * Usage: node bench/backup.ts [--megabytes N] [--files N] [--changed PERCENT] [--json]
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { machineText, markdownTable, type Figure } from './figures.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '2000' },
    files: { type: 'string', default: '20000' },
    changed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const files = Number(values.files);
const bytesEach = Math.floor((Number(values.megabytes) * 1e6) / files);
const base = mkdtempSync(join(tmpdir(), 'bench-backup-'));
const source = join(base, 'source');
const password = join(base, 'password');

const fileOf = (index: number): string =>
  join(source, `d${index % 100}`, `e${Math.floor(index / 100) % 10}`, `f${index}`);

/** Half of it can be compressed, as data of applications mostly can. */
function write(index: number): void {
  const half = randomBytes(Math.ceil(bytesEach / 2));
  writeFileSync(fileOf(index), Buffer.concat([half, Buffer.alloc(bytesEach - half.length, 'a')]));
}

interface Cost {
  readonly wall: number;
  readonly cpu: number;
  readonly stdout: string;
  readonly addedBytes: number;
}

function usedBytes(): number {
  const disk = statfsSync(base);
  return (disk.blocks - disk.bfree) * disk.bsize;
}

async function cost(...argv: readonly string[]): Promise<Cost> {
  const before = usedBytes();
  const { stdout } = await execa('python3', [join(import.meta.dirname, 'run-once.py'), ...argv], {
    env: { RESTIC_PASSWORD_FILE: password, RESTIC_CACHE_DIR: join(base, 'restic-cache') },
  });
  await execa('sync', ['--file-system', base]);
  return { ...(JSON.parse(stdout) as Omit<Cost, 'addedBytes'>), addedBytes: usedBytes() - before };
}

/** In one file, and with the flags that it is installed with. */
const script = join(base, 'backup-once.mjs');
const node = [process.execPath, '--v8-pool-size=0', '--max-semi-space-size=2', script] as const;

let number = 0;
/** Names of backups are in the order of time. */
const nextName = (): string => `B${String(++number).padStart(3, '0')}`;
const tools = {
  ours: () => cost(...node, source, base, nextName()),
  'ours with history': () => cost(...node, source, join(base, 'with'), nextName(), password),
  rsync: () =>
    cost('rsync', '-aHAXS', '--numeric-ids', '--delete', `${source}/`, join(base, 'rsync')),
  restic: () => cost('restic', '-r', join(base, 'restic'), 'backup', '--quiet', source),
  'tar, zstd': () => cost('tar', '--zstd', '-cf', join(base, 'all.tar.zst'), '-C', source, '.'),
} as const;
type Tool = keyof typeof tools;
const ROUNDS = 5;
const names = Object.keys(tools) as Tool[];

async function everyone(stage: string): Promise<Record<Tool, Cost>> {
  const costs = {} as Record<Tool, Cost>;
  for (const name of names) {
    costs[name] = await tools[name]();
    const { wall, cpu, addedBytes } = costs[name];
    const figures = `${(wall / 1000).toFixed(1)} s, CPU ${(cpu / 1000).toFixed(1)} s, +${Math.round(addedBytes / 1e6)} MB`;
    process.stderr.write(`${stage}, ${name}: ${figures}\n`);
  }
  return costs;
}

/** Everyone in turn, several times: a single figure differs by a tenth from one time to the next. */
async function rounds(stage: string, before: () => Promise<void>): Promise<Record<Tool, Cost>[]> {
  const costs: Record<Tool, Cost>[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    await before();
    costs.push(await everyone(`${stage}, ${round} of ${ROUNDS}`));
  }
  return costs;
}

const mean = (figures: readonly number[]): number =>
  figures.reduce((sum, value) => sum + value, 0) / figures.length;

const text = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

function figure(name: string, ours: number, theirs: number, limit: number): Figure {
  const ratio = ours / theirs;
  return {
    name,
    ours: text(ours),
    theirs: text(theirs),
    ratio,
    target: `≤ ${limit} ×`,
    met: ratio <= limit,
  };
}

try {
  await build({
    entryPoints: [join(import.meta.dirname, 'backup-once.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  for (let index = 0; index < 1000; index++)
    mkdirSync(join(fileOf(index), '..'), { recursive: true });
  for (const tree of ['tree', 'with/tree'])
    mkdirSync(join(base, tree, 'autonomy'), { recursive: true });
  for (let index = 0; index < files; index++) write(index);
  writeFileSync(password, 'bench\n', { mode: 0o600 });
  await execa('restic', ['-r', join(base, 'restic'), 'init'], {
    env: { RESTIC_PASSWORD_FILE: password },
  });
  const change = (): void => {
    const step = Math.floor(100 / Number(values.changed));
    for (let index = number % step; index < files; index += step) write(index);
  };
  // The same key: what opening it costs is chosen by how fast the machine is at that moment.
  cpSync(join(base, 'restic'), join(base, 'with/history'), { recursive: true });
  await everyone('first');
  // With two kept, the third is begun with the files of the first.
  change();
  await everyone('second');
  const changed = await rounds(`${values.changed} % changed`, async () => {
    change();
    // What was written to less than two seconds before a copy is begun is copied twice.
    await wait(3000);
  });
  await everyone('nothing changed, once');
  const same = await rounds('nothing changed', async () => {});
  const frozen = mean(changed.map(({ ours }) => Number(ours.stdout.trim())));
  const meanCpu = (costs: readonly Record<Tool, Cost>[], ...of: readonly Tool[]): number =>
    mean(costs.map((round) => of.reduce((sum, tool) => sum + round[tool].cpu, 0)));
  const table = [
    figure(
      'writers frozen, against the wall time of `rsync` for the change',
      frozen,
      mean(changed.map(({ rsync }) => rsync.wall)),
      1.5,
    ),
    figure(
      'CPU of a backup with history, against `rsync` and `restic`',
      meanCpu(changed, 'ours with history'),
      meanCpu(changed, 'rsync', 'restic'),
      1.3,
    ),
    figure(
      'the same, nothing changed',
      meanCpu(same, 'ours with history'),
      meanCpu(same, 'rsync', 'restic'),
      1.3,
    ),
  ];
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine: machineText(), figures: table }, undefined, 2)}\n`
      : `${machineText()}\n\n${markdownTable(table)}`,
  );
  process.exitCode = table.every(({ met }) => met) ? 0 : 1;
} finally {
  rmSync(base, { recursive: true });
}
