import t from 'tap';
import { events, randomCases } from '../../torture/cases.ts';
import { measureCycles, torture } from '../../torture/torture.ts';

/** `npm run torture` does this for as long as wanted. */
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

await t.test(`every kind of disturbance once, at a random moment, seed ${SEED}`, async (t) => {
  const cycles = await measureCycles();
  await torture(randomCases(events.length, SEED), {
    cycles,
    hosts: 1,
    onPlayed: ({ result, text }) => t.same(result.problems, [], text),
  });
});
