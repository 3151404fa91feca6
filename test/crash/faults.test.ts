import t from 'tap';
import { recover } from '../../src/recover.ts';
import { broken, config, effectsOf, live, run, tips, worldAt } from '../support/crash-world.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { reboot } from '../support/fake-world.ts';
import { randomFrom, type Random } from '../support/random.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const LIVES = 3000;

await t.test('a power cut in the middle of any effect leaves old or new, whole', async (t) => {
  for (const [tip, allowed] of tips) {
    const effects = await effectsOf(tip);
    const problems: string[] = [];
    for (let cut = 0; cut < effects; cut++) {
      const world = await live(tip, [{ cutDuring: cut }]);
      const problem = broken(world, allowed);
      if (problem) problems.push(`cut in ${cut}: ${problem}`);
      await run(world);
      const later = broken(world, tip === 'bad' ? ['old'] : [tip]);
      if (later) problems.push(`cut in ${cut}, next run: ${later}`);
    }
    t.same(problems, [], `${tip}: ${effects} effects`);
  }
});

function disturbance(random: Random, effects: number): Disturbance {
  const at = random.below(effects);
  return random.pick([{ cutBefore: at }, { cutDuring: at }, { stopBefore: at }]);
}

await t.test(`three faults one after the other, seed ${SEED}`, async (t) => {
  const random = randomFrom(SEED);
  for (const [tip, allowed] of tips) {
    const effects = await effectsOf(tip);
    const problems: string[] = [];
    for (let one = 0; one < LIVES / tips.length; one++) {
      const faults = [1, 2, 3].map(() => disturbance(random, effects));
      const world = await live(tip, faults);
      const problem = broken(world, allowed);
      if (problem) problems.push(`${JSON.stringify(faults)}: ${problem}`);
    }
    t.same(problems.slice(0, 5), [], tip);
  }
});

await t.test(`a power cut, and two more while it is recovered from, seed ${SEED}`, async (t) => {
  const random = randomFrom(SEED + 1);
  for (const [tip, allowed] of tips) {
    const effects = await effectsOf(tip);
    const problems: string[] = [];
    for (let one = 0; one < LIVES / tips.length; one++) {
      const world = worldAt(tip);
      const cuts = [1, 2, 3].map(() => random.below(effects));
      await run(world, { cutDuring: cuts[0] ?? 0 }).catch(() => {});
      for (const cut of cuts.slice(1)) {
        reboot(world);
        await recover(fakeHost(world, { cutDuring: cut % 12 }), config).catch(() => {});
      }
      reboot(world);
      await recover(fakeHost(world), config);
      const problem = broken(world, allowed);
      if (problem) problems.push(`cuts ${cuts.join(', ')}: ${problem}`);
    }
    t.same(problems.slice(0, 5), [], tip);
  }
});

const YEAR_MS = 365 * 24 * 3600 * 1000;

await t.test('a clock that jumps in the middle makes no difference', async (t) => {
  const random = randomFrom(SEED + 2);
  for (const [tip, result] of [
    ['good', 'updated'],
    ['bad', 'rolled back'],
  ] as const) {
    for (const jumpMs of [-YEAR_MS, YEAR_MS, -3_600_000, 3_600_000]) {
      for (let tries = 0; tries < 20; tries++) {
        const world = worldAt(tip);
        const jumpAt = random.below(60);
        let calls = 0;
        const host = fakeHost(world);
        const { update } = await import('../../src/update.ts');
        const outcome = await update(
          {
            ...host,
            now: () => {
              if (calls++ === jumpAt) world.clockMs += jumpMs;
              return new Date(world.clockMs);
            },
          },
          config,
          { force: false, isAutomatic: true },
        );
        t.equal(outcome.result, result, `${tip}, ${jumpMs} ms at call ${jumpAt}`);
        t.ok(world.elapsedMs < 300_000, `it took ${world.elapsedMs / 1000} s`);
      }
    }
  }
});
