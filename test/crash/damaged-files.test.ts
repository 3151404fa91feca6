import t from 'tap';
import { OperatorError } from '../../src/errors.ts';
import { recover } from '../../src/recover.ts';
import { update } from '../../src/update.ts';
import { brokenButBackups, config, effectsOf, run, worldAt } from '../support/crash-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import { reboot, type World } from '../support/fake-world.ts';
import { randomFrom, type Random } from '../support/random.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const INPUTS = 10_000;

/** What a bad disk, or a hand that meant well, makes of a file. */
const damages: Readonly<Record<string, (text: string, random: Random) => string>> = {
  empty: () => '',
  truncated: (text, random) => text.slice(0, random.below(Math.max(1, text.length))),
  'a bit flipped': (text, random) => flipped(text, random),
  'three bits flipped': (text, random) => [1, 2, 3].reduce((one) => flipped(one, random), text),
  'a stretch of NUL': (text, random) => {
    const at = random.below(Math.max(1, text.length));
    return text.slice(0, at) + '\0'.repeat(Math.min(64, text.length - at)) + text.slice(at + 64);
  },
  'a line twice': (text, random) => {
    const lines = text.split('\n');
    const line = random.pick(lines);
    return [...lines.slice(0, -1), line, ''].join('\n');
  },
  'another JSON': (_text, random) =>
    random.pick(['null', '[]', '{}', '"x"', '7', '{"commit":7}', '[{}]', '{"commit":"nowhere"}']),
  garbage: (_text, random) =>
    Array.from({ length: 40 }, () => String.fromCharCode(random.below(256))).join(''),
};

function flipped(text: string, random: Random): string {
  if (text === '') return text;
  const bytes = Buffer.from(text, 'utf8');
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes.toString('utf8');
}

/** Machines as they are found after a power cut at any effect, or after a whole run. */
async function foundWorlds(): Promise<{ world: World; allowed: readonly string[] }[]> {
  const found: { world: World; allowed: readonly string[] }[] = [];
  for (const [tip, allowed] of [
    ['good', ['old', 'good']],
    ['bad', ['old']],
  ] as const) {
    const effects = await effectsOf(tip);
    for (let cut = 0; cut <= effects; cut++) {
      const world = worldAt(tip);
      await run(world, { cutBefore: cut }).catch(() => {});
      reboot(world);
      if (world.files.size > 0) found.push({ world, allowed });
    }
  }
  return found;
}

/** What came of the machine: whole, or somebody was told; anything else is a broken promise. */
async function judge(world: World, allowed: readonly string[]): Promise<string | undefined> {
  let told = false;
  for (const act of [
    () => recover(fakeHost(world), config),
    () => update(fakeHost(world), config, { force: false, isAutomatic: true }),
  ]) {
    try {
      const outcome = await act();
      told ||= outcome?.result === 'needs operator';
    } catch (error) {
      if (!(error instanceof OperatorError)) {
        return `an error that nobody foresaw: ${error instanceof Error ? error.stack : String(error)}`;
      }
      if (error.next === '') return `no word of what to type: ${error.message}`;
      told = true;
    }
  }
  if (told) return undefined;
  return brokenButBackups(world, allowed);
}

await t.test(`${INPUTS} damaged files of the state, seed ${SEED}`, async (t) => {
  const random = randomFrom(SEED);
  const worlds = await foundWorlds();
  const problems: string[] = [];
  let tolds = 0;
  for (let input = 0; input < INPUTS; input++) {
    const { world: original, allowed } = random.pick(worlds);
    const world = structuredClone(original);
    const name = random.pick([...world.files.keys()]);
    const damage = random.pick(Object.keys(damages));
    const text = world.files.get(name) ?? '';
    world.files.set(name, damages[damage]?.(text, random) ?? '');
    const problem = await judge(world, allowed);
    if (problem) problems.push(`${name}, ${damage}: ${problem}`);
    tolds += 1;
  }
  t.same(problems.slice(0, 3), [], `${problems.length} of ${tolds}`);
});
