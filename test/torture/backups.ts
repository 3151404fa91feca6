/**
 * `npm run torture:backups`: backups of databases that are written to all the time, each restored and judged
 * by the database's own tools and by an invariant of what is written; and backups, removals and restores
 * that are cut off at random moments. Prints the seed, what is wrong as it is found, and a table. Needs root.
 *
 * Usage: node test/torture/backups.ts [--rounds N] [--disturb N] [--freeze pause|stop|none] [--seed S]
 *
 *   --rounds N    N backups, nothing disturbed (25)
 *   --disturb N   then N events at random moments (0)
 *   --freeze      how writers are frozen; with none, some backups have to be found bad
 */
import { parseArgs } from 'node:util';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import { databaseKinds } from '../lab/database-images.ts';
import type { InstalledHost } from '../lab/installed-host.ts';
import { assertRoot } from '../lab/machine-pool.ts';
import { checkoutDir } from '../lab/paths.ts';
import { randomFrom, type Random } from '../support/random.ts';
import { afterwards, judgeNewest, startWithDatabases, written } from './backup-host.ts';
import { killIn } from './processes.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    disturb: { type: 'string', default: '0' },
    freeze: { type: 'string', default: 'pause' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const events = ['kill the updater', 'kill dockerd', 'power cut'] as const;
const commands = {
  backup: ['backup', 'create', '--set', `backup.freeze=${values.freeze}`],
  prune: ['backup', 'prune', '--set', 'backup.keep=1'],
  restore: ['restore', '--to', '/var/tmp/cut-off'],
} as const;
type Act = keyof typeof commands;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const table = new Map<string, { rounds: number; bad: number }>();

function count(row: string, isBad: boolean): void {
  const { rounds, bad } = table.get(row) ?? { rounds: 0, bad: 0 };
  table.set(row, { rounds: rounds + 1, bad: bad + (isBad ? 1 : 0) });
}

async function undisturbed(host: InstalledHost, round: number): Promise<number> {
  const before = await written(host);
  const startedAt = performance.now();
  const { exitCode, stderr } = await host.cli(...commands.backup);
  const milliseconds = performance.now() - startedAt;
  if (exitCode !== 0) throw new Error(`backup ended with ${exitCode}: ${stderr}`);
  const problems = await judgeNewest(host, before);
  for (const kind of databaseKinds) {
    count(`${kind}, ${values.freeze}`, problems[kind] !== undefined);
    if (problems[kind] !== undefined) say(`  ${kind}: ${problems[kind].slice(0, 300)}`);
  }
  const bad = Object.keys(problems).length;
  say(`${round}/${values.rounds} ${bad === 0 ? 'all consistent' : `${bad} inconsistent`}`);
  return milliseconds;
}

async function disturb(host: InstalledHost, event: (typeof events)[number]): Promise<void> {
  switch (event) {
    case 'kill the updater':
      // From a shell it is in no unit: by its name.
      await host.bash(`pkill -9 -f 'bin/[n]ode .* (backup|restore) '`);
      return;
    case 'kill dockerd':
      // Three starts within a minute are too many for systemd: what is tried here is one kill.
      await host.run('systemctl', ['reset-failed', 'docker.service']);
      killIn(host.name, 'dockerd');
      return;
    case 'power cut':
      await host.powerCut();
      await host.boot();
  }
}

async function disturbed(host: InstalledHost, usualMs: number, random: Random): Promise<void> {
  const event = random.pick(events);
  const acts: Act[] = ['backup', 'backup', 'backup', 'restore', 'prune'];
  const act = random.pick(acts);
  const afterMs = random.below(usualMs * (act === 'prune' ? 0.3 : 1));
  await host.run('rm', ['-rf', '/var/tmp/cut-off'], { reject: true });
  const command = `setsid orchestrator-update ${commands[act].join(' ')} >/root/act.log 2>&1 </dev/null &`;
  await host.bash(command, { reject: true });
  await wait(afterMs);
  await disturb(host, event);
  const problems = await afterwards(host, say);
  const inconsistent = problems.length === 0 ? await judgeNewest(host, undefined) : {};
  for (const [kind, problem] of Object.entries(inconsistent)) problems.push(`${kind}: ${problem}`);
  count(`${act}, ${event}`, problems.length > 0);
  say(`${act}, ${event}, after ${Math.round(afterMs)} ms: ${problems.join('; ') || 'well'}`);
}

assertRoot();
await execa(process.execPath, ['install/build.ts'], { cwd: checkoutDir });
const seed = Number(values.seed);
say(`seed ${seed}`);
const random = randomFrom(seed);
const host = await startWithDatabases();
try {
  const times: number[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    times.push(await undisturbed(host, round));
  }
  const usualMs = times.toSorted((left, right) => left - right)[times.length >> 1] ?? 5000;
  for (let round = 1; round <= Number(values.disturb); round++) {
    await disturbed(host, usualMs, random);
  }
} finally {
  await host.destroy();
}
const rows = [...table].map(([row, { rounds, bad }]) => `| ${row} | ${rounds} | ${bad} |`);
process.stdout.write(`| what | rounds | bad |\n|---|---|---|\n${rows.join('\n')}\n`);
const bad = [...table.values()].reduce((sum, row) => sum + row.bad, 0);
process.exitCode = (values.freeze === 'none') === bad > 0 ? 0 : 1;
