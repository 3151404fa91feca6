/**
 * `npm run torture`: real updates on real hosts of the lab, disturbed in every way at every moment,
 * and after each: one release, whole; no acknowledged write lost; nothing left open; the next run is
 * normal. Prints the seed, every broken promise as it is found, and a table. Needs root.
 *
 * Usage: node test/torture/run.ts [--rounds N] [--boundaries] [--event TEXT] [--seed S] [--hosts N] [--json]
 *
 *   --rounds N     N random events at random moments (20)
 *   --boundaries   before that, every event at every line of the journal, for every kind of release
 *   --event TEXT   only events with this text in their name, such as "kill the updater"
 *   --hosts N      so many hosts at the same time (2)
 */
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { checkoutDir } from '../lab/paths.ts';
import { assertRoot } from '../lab/machine-pool.ts';
import { boundaryCases, events, randomCases } from './cases.ts';
import { measureCycles, torture, type Played } from './torture.ts';
import { summarize, tableOf } from './summary.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    boundaries: { type: 'boolean', default: false },
    event: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    hosts: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
assertRoot();
await execa(process.execPath, ['install/build.ts'], { cwd: checkoutDir });
const seed = Number(values.seed);
const wanted = events.filter((event) => event.includes(values.event));
if (wanted.length === 0) throw new Error(`--event ${values.event}: one of ${events.join('; ')}`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
say(`seed ${seed}`);
const cycles = await measureCycles();
say(
  Object.entries(cycles)
    .map(
      ([kind, { lines, milliseconds }]) =>
        `${kind}: ${lines} lines, ${Math.round(milliseconds)} ms`,
    )
    .join('; '),
);
const cases = [
  ...(values.boundaries ? boundaryCases(cycles, seed, wanted) : []),
  ...randomCases(Number(values.rounds), seed, wanted),
];
const played: Played[] = [];
await torture(cases, {
  cycles,
  hosts: Number(values.hosts),
  onPlayed: (one) => {
    played.push(one);
    say(`${played.length}/${cases.length} ${one.text}`);
  },
});
const rows = summarize(played);
process.stdout.write(
  values.json
    ? `${JSON.stringify({ seed, cycles, rows, played }, undefined, 2)}\n`
    : `${tableOf(rows)}\n`,
);
process.exitCode = played.every(({ result }) => result.problems.length === 0) ? 0 : 1;
