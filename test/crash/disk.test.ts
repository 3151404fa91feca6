import t from 'tap';
import { brokenButBackups, effectsOf, run, tips, worldAt } from '../support/crash-world.ts';
import type { DiskFailure } from '../support/fake-host.ts';
import { reboot, type World } from '../support/fake-world.ts';
import { randomFrom, type Random } from '../support/random.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const DAY_MS = 24 * 3600 * 1000;
const latch = 'needs-operator.json';

/** How a disk fails: every write, one of two, or only the first few. */
const manners: readonly ((random: Random) => () => boolean)[] = [
  () => () => true,
  (random) => () => random.below(2) === 0,
  (random) => {
    let left = 1 + random.below(8);
    return () => left-- > 0;
  },
];

/** What a run came to while the disk failed. */
async function runOnDisk(world: World, diskFails: DiskFailure): Promise<string> {
  const outcome = await run(world, { diskFails }).catch((error: Error) => error);
  return outcome instanceof Error ? outcome.message : outcome.result;
}

/** The host is whole, or its journal is open for the next run, or a person is asked for. */
function brokenOnDisk(world: World, said: string, allowed: readonly string[]): string | undefined {
  if (world.files.has(latch)) return undefined;
  if (!world.files.has('active')) return brokenButBackups(world, allowed);
  // Rolled back and verified is true where it cannot be written down; the next run verifies again.
  const isGood = ['nothing', 'held', 'updated', 'waiting'].includes(said);
  return isGood ? `a transaction is open, and the run said: ${said}` : undefined;
}

/** With a good disk again: whole at once, and at the tip in the end, if that is any good. */
async function brokenLater(world: World, tip: string, allowed: readonly string[]) {
  // What a person does who was asked for.
  if (world.files.delete(latch)) return undefined;
  await run(world).catch(() => {});
  const first = brokenButBackups(world, allowed);
  if (first !== undefined) return `next run: ${first}`;
  for (let day = 0; day < 3; day++) {
    world.clockMs += DAY_MS;
    await run(world).catch(() => {});
  }
  const later = brokenButBackups(world, tip === 'bad' ? ['old'] : [tip]);
  return later === undefined ? undefined : `days later: ${later}`;
}

for (const code of ['ENOSPC', 'EDQUOT', 'EROFS'] as const) {
  await t.test(`${code} from any effect on, in every manner, seed ${SEED}`, async (t) => {
    const random = randomFrom(SEED);
    for (const [tip, allowed] of tips) {
      const effects = await effectsOf(tip);
      const problems: string[] = [];
      let latched = 0;
      for (let from = 0; from < effects; from++) {
        for (const [manner, make] of manners.entries()) {
          for (const isRebooted of [false, true]) {
            const world = worldAt(tip);
            const said = await runOnDisk(world, { from, code, fails: make(random) });
            if (isRebooted) reboot(world);
            if (world.files.has(latch)) latched += 1;
            const now = isRebooted ? undefined : brokenOnDisk(world, said, allowed);
            const problem = now ?? (await brokenLater(world, tip, allowed));
            if (problem) problems.push(`from ${from}, manner ${manner}, ${said}: ${problem}`);
          }
        }
      }
      t.same(problems.slice(0, 5), [], `${tip}: ${effects} effects, ${problems.length} problems`);
      t.comment(`${tip}: a person was asked for in ${latched} of ${effects * 6}`);
    }
  });
}
