import t from 'tap';
import { sameValue } from '../../src/core/canonical-json.ts';
import type { ImageAnswer } from '../../src/core/image-look.ts';
import { recover } from '../../src/recover.ts';
import { rollBackByHand } from '../../src/roll-back-by-hand.ts';
import { timer } from '../support/approval-world.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { reboot, type World } from '../support/fake-world.ts';
import { before, builtin, imageWorld, push, runs } from '../support/image-world.ts';

const config = builtin();
const HOUR_MS = 3_600_000;

interface Story {
  readonly name: string;
  readonly begin: () => World;
  /** What may run once all is over. */
  readonly after: Readonly<Record<string, string>>;
}

function moved(isSick: boolean): World {
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  if (isSick) world.sickImages.add('id:newer');
  return world;
}

function otherTag(isSick: boolean): World {
  const world = imageWorld();
  const digest = 'sha256:id:web:1.1';
  world.registry.set('web:1.1', 'id:web:1.1');
  const at = { tag: '1.1', digest, platformDigest: digest, pinned: '', created: undefined };
  const same = { verdict: 'same', tag: '1.1', digest, note: undefined } as const;
  world.answers.set('web:1', { verdict: 'moved', ...at } satisfies ImageAnswer);
  world.answers.set('web:1.1', same);
  if (isSick) world.sickImages.add('id:web:1.1');
  return world;
}

const stories: readonly Story[] = [
  { name: 'moved', begin: () => moved(false), after: { ...before, web: 'id:newer' } },
  { name: 'bad', begin: () => moved(true), after: before },
  { name: 'tag', begin: () => otherTag(false), after: { ...before, web: 'id:web:1.1' } },
  { name: 'bad tag', begin: () => otherTag(true), after: before },
];

async function effectsOf(begin: () => World): Promise<number> {
  const world = begin();
  const { effects } = world;
  await timer(world, config);
  return world.effects - effects;
}

/** Cut off at an effect, and up again; what is not restarted by itself has ended with Docker. */
async function live({ begin }: Story, disturbance: Disturbance, ended?: string): Promise<World> {
  const world = begin();
  await timer(world, config, fakeHost(world, disturbance)).catch(() => {});
  reboot(world);
  world.containers = world.containers.map((one) =>
    one.service === ended && one.state === 'running'
      ? { ...one, state: 'exited', exitCode: 137 }
      : one,
  );
  await recover(fakeHost(world), config);
  return world;
}

/** What is not as it has to be as soon as the boot is over. */
function broken(world: World, { after }: Story): string | undefined {
  const what = runs(world);
  if (!sameValue(what, before) && !sameValue(what, after)) return JSON.stringify(what);
  for (const { service, image, imageId } of world.containers) {
    const means = world.images.get(image);
    if (means !== imageId) return `${image} means ${means}, and ${service} runs ${imageId}`;
    const named = world.pinned?.services[service]?.image ?? (service === 'web' ? 'web:1' : 'db:1');
    if (named !== image) return `${service} runs ${image}, and compose would make it of ${named}`;
  }
  if (world.files.has('active')) return 'the journal is still open';
  if (world.files.has('needs-operator.json')) return 'an operator is needed for nothing';
  return undefined;
}

for (const story of stories) {
  await t.test(`cut off anywhere: ${story.name}`, async (t) => {
    const effects = await effectsOf(story.begin);
    t.ok(effects > 15, `${effects} effects`);
    const results = new Set<string>();
    for (const kind of ['cutBefore', 'cutDuring', 'stopBefore'] as const) {
      for (let cut = 0; cut < effects; cut++) {
        const world = await live(story, { [kind]: cut });
        const where = `${kind} ${cut}`;
        t.equal(broken(world, story), undefined, where);
        for (let later = 0; later < 4; later++) {
          world.clockMs += 7 * HOUR_MS;
          results.add((await timer(world, config)).result);
        }
        t.same(runs(world), story.after, `${where}: in the end`);
        t.equal(broken(world, story), undefined, `${where}: in the end`);
      }
    }
    t.ok(results.has(story.after === before ? 'held' : 'nothing'), [...results].join());
  });
}

await t.test('cut off anywhere, and a container has ended with Docker', async (t) => {
  for (const story of stories) {
    const effects = await effectsOf(story.begin);
    for (const ended of ['web', 'db']) {
      for (let cut = 1; cut < effects; cut++) {
        const world = await live(story, { cutBefore: cut }, ended);
        const isOpen = world.files.has('active');
        // Where nothing was begun, nothing was to be recovered: the next release meets it.
        if (runs(world)[ended]?.startsWith(ended) === true && !isOpen) continue;
        t.equal(broken(world, story), undefined, `${story.name} ${ended} ${cut}`);
      }
    }
  }
});

await t.test('a person goes back, and is cut off anywhere', async (t) => {
  const begin = async (): Promise<World> => {
    const world = moved(false);
    await timer(world, config);
    return world;
  };
  const whole = await begin();
  const first = whole.effects;
  await rollBackByHand(fakeHost(whole), config, {});
  const story = {
    name: 'by hand',
    begin: () => moved(false),
    after: { ...before, web: 'id:newer' },
  };
  for (let cut = 0; cut < whole.effects - first; cut++) {
    const world = await begin();
    await rollBackByHand(fakeHost(world, { cutBefore: cut }), config, {}).catch(() => {});
    reboot(world);
    await recover(fakeHost(world), config);
    t.equal(broken(world, story), undefined, `cut ${cut}`);
    world.clockMs += 2 * HOUR_MS;
    const back = JSON.stringify(runs(world)).includes('newer') ? 'nothing' : 'held';
    t.equal((await timer(world, config)).result, back, `cut ${cut}: and it stays`);
  }
});

await t.test('cut off again in its recovery', async (t) => {
  for (const story of stories) {
    const effects = await effectsOf(story.begin);
    for (let cut = 3; cut < effects; cut += 4) {
      for (let second = 0; second < 30; second += 3) {
        const world = await live(story, { cutBefore: cut });
        const again = story.begin();
        await timer(again, config, fakeHost(again, { cutBefore: cut })).catch(() => {});
        reboot(again);
        await recover(fakeHost(again, { cutBefore: second }), config).catch(() => {});
        reboot(again);
        await recover(fakeHost(again), config);
        t.equal(broken(again, story), undefined, `${story.name} ${cut} ${second}`);
        t.equal(broken(world, story), undefined);
      }
    }
  }
});
