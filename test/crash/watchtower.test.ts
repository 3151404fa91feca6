import t from 'tap';
import { recover } from '../../src/recover.ts';
import { letTowersGoOn } from '../../src/towers.ts';
import { broken, config, old, releases, run, worldAt } from '../support/crash-world.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { fakeTower } from '../support/fake-towers.ts';
import { makeWorld, reboot, type FakeRelease, type World } from '../support/fake-world.ts';

const byPerson = (): World['towers'][number] =>
  fakeTower([], { id: 'other', name: 'watchtower-other', state: 'paused' });

/** A world with a Watchtower beside the cluster, and one that a person has paused. */
function guarded(tip: string): World {
  const world = worldAt(tip);
  world.towers = [fakeTower(), byPerson()];
  return world;
}

const service = (image: string, extra: object = {}) => ({ image, restart: 'always', ...extra });
const tower = (version: string) => service(`nickfedor/watchtower:${version}`);
const within: Record<string, FakeRelease> = {
  old: { model: { services: { web: service('web:1'), watchtower: tower('1') } } },
  // It is as it was.
  left: { parent: 'old', model: { services: { web: service('web:2'), watchtower: tower('1') } } },
  // It is made anew.
  anew: { parent: 'old', model: { services: { web: service('web:2'), watchtower: tower('2') } } },
  bad: {
    parent: 'old',
    model: { services: { web: service('web:3'), watchtower: tower('2') } },
    sick: ['web'],
  },
};

function guardedWithin(tip: string): World {
  const world = makeWorld(within, 'old');
  world.tip = tip;
  return world;
}

/** What a person would find wrong with the Watchtowers. */
function wrong(world: World, wasRebooted: boolean): string | undefined {
  if (world.trespasses.length > 0) return world.trespasses[0];
  const states = Object.fromEntries(world.towers.map(({ id, state }) => [id, state]));
  if (states['tower'] === 'paused') return 'it is still paused';
  if (!wasRebooted && states['other'] === 'running') return 'that of a person was let go on';
  if (world.files.has('towers.json')) return 'they are still thought to be paused';
  return undefined;
}

async function count(world: World): Promise<number> {
  await run(world);
  return world.effects;
}

await t.test('it is paused while the cluster is changed, and goes on', async (t) => {
  for (const tip of ['good', 'bad', 'text']) {
    const world = guarded(tip);
    await run(world);
    t.equal(wrong(world, false), undefined, tip);
    const said = world.said.join('\n');
    t.match(said, /paused until it is over: watchtower\n[\s\S]*goes on: watchtower$/m, tip);
  }
});

for (const disturb of ['cutBefore', 'stopBefore'] as const) {
  await t.test(`disturbed before any effect: ${disturb}`, async (t) => {
    for (const [tip, allowed] of [
      ['good', ['old', 'good']],
      ['bad', ['old']],
      ['mounted', ['old', 'mounted']],
      ['text', ['old']],
    ] as const) {
      const problems: string[] = [];
      const effects = await count(guarded(tip));
      for (let at = 0; at < effects; at++) {
        for (const isRebooted of disturb === 'cutBefore' ? [true, false] : [false]) {
          const world = guarded(tip);
          const disturbance: Disturbance = { [disturb]: at };
          await run(world, disturbance).catch(() => {});
          if (isRebooted) reboot(world);
          await recover(fakeHost(world), config);
          const problem = broken(world, allowed) ?? wrong(world, isRebooted);
          if (problem)
            problems.push(`${disturb} ${at} ${isRebooted ? 'rebooted' : ''}: ${problem}`);
        }
      }
      t.same(problems.slice(0, 5), [], `${tip}: ${effects} effects`);
    }
  });
}

await t.test('a second cut, anywhere in the recovery of the first', async (t) => {
  const problems: string[] = [];
  const effects = await count(guarded('good'));
  for (let first = 0; first < effects; first++) {
    for (let second = first % 4; second < effects; second += 4) {
      const world = guarded('good');
      for (const cutBefore of [first, second]) {
        await run(world, { cutBefore }).catch(() => {});
        if (first % 2 === 0) reboot(world);
      }
      await recover(fakeHost(world), config);
      const problem = broken(world, ['old', 'good']) ?? wrong(world, first % 2 === 0);
      if (problem) problems.push(`cuts ${first}, ${second}: ${problem}`);
    }
  }
  t.same(problems.slice(0, 5), []);
});

await t.test('a Watchtower that is a service of the cluster', async (t) => {
  for (const [tip, final] of [
    ['left', 'left'],
    ['anew', 'anew'],
    ['bad', 'old'],
  ] as const) {
    const clean = guardedWithin(tip);
    const effects = await count(clean);
    t.equal(broken(clean, [final]), undefined, tip);
    t.notOk(clean.files.has('towers.json'), tip);
    const problems: string[] = [];
    for (let cutBefore = 0; cutBefore < effects; cutBefore++) {
      for (const isRebooted of [true, false]) {
        const world = guardedWithin(tip);
        await run(world, { cutBefore }).catch(() => {});
        if (isRebooted) reboot(world);
        await recover(fakeHost(world), config);
        const problem = broken(world, ['old', final]);
        if (problem) problems.push(`cut ${cutBefore}: ${problem}`);
        if (world.files.has('towers.json')) problems.push(`cut ${cutBefore}: thought to be paused`);
      }
    }
    t.same(problems.slice(0, 5), [], `${tip}: ${effects} effects`);
  }
});

await t.test(
  'it stays paused while an operator is needed, and goes on when it is well',
  async (t) => {
    const world = makeWorld({ ...releases, old: { ...old, sick: ['db'] } }, 'old');
    world.containers = world.containers.map((one) => ({ ...one, health: 'healthy' }));
    world.tip = 'bad';
    world.towers = [fakeTower(), byPerson()];
    const outcome = await run(world);
    t.match(outcome, { result: 'needs operator', summary: /watchtower stays paused until then/ });
    await recover(fakeHost(world), config);
    t.match(world.towers, [{ state: 'paused' }, { state: 'paused' }]);
    t.same(world.trespasses, []);
    // As `acknowledge` does.
    world.files.delete('needs-operator.json');
    await letTowersGoOn(fakeHost(world), config);
    t.equal(wrong(world, false), undefined);
  },
);

await t.test('a record that is damaged: whatever is paused goes on', async (t) => {
  const world = guarded('old');
  world.towers = [fakeTower([], { state: 'paused' })];
  world.files.set('towers.json', '{"at":');
  await recover(fakeHost(world), config);
  t.equal(wrong(world, false), undefined);
});
