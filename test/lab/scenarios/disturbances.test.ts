import t from 'tap';
import { events, randomCases } from '../../torture/cases.ts';
import { measureCycles, torture } from '../../torture/torture.ts';

/** The same one each time: what is played is known when it fails. `npm run torture` plays all kinds, for as long as wanted. */
const SEED = Number(process.env['SEED'] ?? 4);

const ROUNDS = 1;

await t.test(
  `${ROUNDS} of the kinds of disturbance, at a random moment, seed ${SEED}`,
  async (t) => {
    const cycles = await measureCycles();
    const all = randomCases(events.length, SEED);
    const cases = all.map((_, index) => all[(index + SEED) % all.length]).slice(0, ROUNDS);
    await torture(
      cases.filter((one) => one !== undefined),
      {
        cycles,
        hosts: 1,
        onPlayed: ({ result, text }) => t.same(result.problems, [], text),
      },
    );
  },
);
