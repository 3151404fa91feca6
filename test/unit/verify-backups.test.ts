import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Verification } from '../../src/core/verification.ts';
import { readVerifications } from '../../src/records.ts';
import { readNextPart, verifyWhatIsDue } from '../../src/verify-backups.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { makeWorld, type World } from '../support/fake-world.ts';

const DAY = 86_400_000;
const releases = { old: { model: { services: { web: { image: 'web:1' } } } } };
const configWith = (verify: object = {}) =>
  settleConfig(configSchema.parse({ health: { urls: [], stable_seconds: 1 }, backup: { verify } }));

function worldWith(...backups: string[]): World {
  const world = makeWorld(releases, 'old');
  for (const name of backups) world.backups.add(name);
  world.backedUp.push(...Array.from({ length: 40 }, (_, index) => `volumes/data/${index}`));
  return world;
}

const due = (world: World, verify?: object, disturbance?: Disturbance) =>
  verifyWhatIsDue(fakeHost(world, disturbance), configWith(verify));

/** What comes of a day; the timer fires every hour. */
async function aDay(world: World): Promise<(Verification | undefined)[]> {
  const found: (Verification | undefined)[] = [];
  for (let hour = 0; hour < 24; hour++) {
    found.push(await due(world));
    world.clockMs += DAY / 24;
  }
  return found.filter(Boolean);
}

await t.test('one part a day, and within seven days every file', async (t) => {
  const world = worldWith('2026-1');
  let files = 0;
  for (let day = 1; day <= 7; day++) {
    // Another backup every other day: each file stays in its part.
    if (day % 2 === 0) world.backups.add(`2026-${day}`);
    const found = await aDay(world);
    t.equal(found.length, 1);
    t.match(found[0], { result: 'good', part: { number: day, of: 7 } });
    t.equal(found[0]?.backup, [...world.backups].at(-1), 'of the newest');
    files += found[0]?.files ?? 0;
  }
  t.equal(files, 40);
  t.match(world.said.join('\n'), /part 7 of 7 of the backup 2026-6 is what was backed up/);
});

await t.test('whatever file is damaged, it is found within a cycle, once', async (t) => {
  for (const file of ['volumes/data/0', 'volumes/data/17', 'volumes/data/39']) {
    const world = worldWith('2026-1', '2026-2');
    world.rotten.add(`2026-2/${file}`);
    const found: Verification[] = [];
    for (let day = 1; day <= 14; day++) {
      found.push(...((await aDay(world)) as Verification[]));
    }
    const bad = found.filter(({ result }) => result !== 'good');
    t.match(bad, [{ backup: '2026-2', problems: [`${file}: its content differs`] }]);
    t.equal(found.at(-1)?.backup, '2026-1', 'then the next one is read');
    t.match(await readVerifications(fakeHost(world).state), {
      alarm: { backup: '2026-2' },
      damaged: [{ backup: '2026-2' }],
    });
    world.backups.add('2026-3');
    await aDay(world);
    t.notOk((await readVerifications(fakeHost(world).state)).alarm, 'until a newer one is good');
  }
});

await t.test('a clock that is set back keeps nothing from being read', async (t) => {
  const world = worldWith('2026-1');
  await due(world);
  world.clockMs -= 400 * DAY;
  t.match(await due(world), { part: { number: 2 } });
  t.equal(await due(world), undefined);
  world.clockMs += DAY;
  t.match(await due(world), { part: { number: 3 } });
});

await t.test('a damaged record begins anew, and says so', async (t) => {
  const world = worldWith('2026-1');
  await due(world);
  world.files.set('verification.json', '{"last": {');
  t.match(await due(world), { part: { number: 1 }, result: 'good' });
  t.match(world.said.join('\n'), /is damaged: all of them count as good again/);
  t.equal(await due(world), undefined);
});

await t.test(
  'without a backup nothing is verified, and it is not asked again at once',
  async (t) => {
    const world = worldWith();
    t.match(await due(world), { result: 'none', backup: '' });
    t.equal(await due(world), undefined);
    await t.rejects(readNextPart(fakeHost(world), configWith()), {
      message: /there is no backup that could be verified/,
    });
    const off = configWith({ sample_percent: 0 });
    await t.rejects(readNextPart(fakeHost(worldWith('2026-1')), off), { message: /is 0/ });
  },
);

await t.test('one that was stopped is made again; one that took too long is not', async (t) => {
  const world = worldWith('2026-1');
  const failing = (disturbance: object, error: Error) => {
    const host = fakeHost(world);
    return {
      ...host,
      ...disturbance,
      backups: { ...host.backups, sample: () => Promise.reject(error) },
    };
  };
  const stopped = failing({ interruptedBy: () => 'SIGTERM' }, new Error('interrupted'));
  await t.rejects(verifyWhatIsDue(stopped, configWith()), { message: 'interrupted' });
  t.match(await due(world), { part: { number: 1 }, result: 'good' });
  world.clockMs += DAY;
  const slow = failing({}, new Error('given up after 7200 s'));
  t.match(await verifyWhatIsDue(slow, configWith()), { result: 'unfinished' });
  t.match(world.said.join('\n'), /2026-1 was not verified: given up after 7200 s/);
  t.notOk((await readVerifications(fakeHost(world).state)).alarm, 'that is no damage');
  world.clockMs += DAY;
  t.match(await due(world), { part: { number: 3 } }, 'the others are read');
});

await t.test('one that a person removed meanwhile is no alarm', async (t) => {
  const world = worldWith('2026-1');
  const host = fakeHost(world);
  const sample = async () => {
    world.backups.clear();
    return { files: 1, bytes: 1, problems: ['x is missing'] };
  };
  const found = await verifyWhatIsDue(
    { ...host, backups: { ...host.backups, sample } },
    configWith(),
  );
  t.match(found, { result: 'unfinished', problems: ['it was removed meanwhile'] });
});

await t.test('the alarm does not need a disk that takes it', async (t) => {
  const world = worldWith('2026-1');
  for (const path of world.backedUp) world.rotten.add(`2026-1/${path}`);
  const diskFails = { from: 0, code: 'EROFS', fails: () => true } as const;
  t.match(await due(world, {}, { diskFails }), { result: 'damaged' });
  t.match(world.said.join('\n'), /2026-1 cannot be remembered: EROFS/);
});

await t.test('brought up beside the cluster, where that is scheduled', async (t) => {
  const world = worldWith('2026-1');
  const verify = { sample_days: 0, restore_days: 7 };
  t.match(await due(world, verify), { kind: 'restore', result: 'good' });
  t.equal(await due(world, verify), undefined);
  world.clockMs += 7 * DAY;
  const away = await due(world, verify, { dockerAwayFrom: 0 });
  t.match(away, { result: 'unfinished', problems: ['Docker does not answer'] });
  world.clockMs += 7 * DAY;
  const host = fakeHost(world);
  const compose = { ...host.compose, upBeside: () => Promise.reject(new Error('no such image')) };
  const sick = { ...host, compose };
  t.match(await verifyWhatIsDue(sick, configWith(verify)), {
    result: 'not up',
    problems: ['it does not come up: no such image'],
  });
  const { alarm, damaged } = await readVerifications(host.state);
  t.match(alarm, { result: 'not up' });
  t.same(damaged, []);
});
