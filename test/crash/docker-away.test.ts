import t from 'tap';
import { OperatorError } from '../../src/errors.ts';
import { update } from '../../src/update.ts';
import { broken, config, effectsOf, run, worldAt } from '../support/crash-world.ts';
import { fakeHost } from '../support/fake-host.ts';

const options = { force: false, isAutomatic: true };

for (const [tip, allowed] of [
  ['good', ['old', 'good']],
  ['bad', ['old']],
] as const) {
  await t.test(
    `${tip}: Docker goes away for good at any effect, and comes back later`,
    async (t) => {
      const effects = await effectsOf(tip);
      let unfinished = 0;
      for (let dockerAwayFrom = 0; dockerAwayFrom < effects; dockerAwayFrom++) {
        const world = worldAt(tip);
        const said: unknown = await run(world, { dockerAwayFrom }).catch((error: unknown) => error);
        const where = `from ${dockerAwayFrom}`;
        if (world.files.has('active')) {
          unfinished += 1;
          t.ok(said instanceof OperatorError && said.exitCode === 13, `${where}: ${String(said)}`);
          t.notOk(world.files.has('needs-operator.json'), `${where}: nothing to acknowledge`);
        }
        await run(world);
        t.equal(broken(world, allowed), undefined, where);
      }
      t.ok(unfinished > 5, `${unfinished} of ${effects}`);
    },
  );
}

await t.test(
  'Docker goes away while the branch is followed further: the run is no success',
  async (t) => {
    const effects = await effectsOf('good');
    const all = worldAt('good');
    const followed = { ...fakeHost(all) };
    let fetches = 0;
    const moves = (): Promise<string> => Promise.resolve(fetches++ === 0 ? 'good' : 'better');
    await update({ ...followed, git: { ...followed.git, fetch: moves } }, config, options);
    t.equal(broken(all, ['better']), undefined);

    let unfinished = 0;
    for (let dockerAwayFrom = effects; dockerAwayFrom < all.effects; dockerAwayFrom++) {
      const world = worldAt('good');
      const host = fakeHost(world, { dockerAwayFrom });
      fetches = 0;
      const moving = { ...host, git: { ...host.git, fetch: moves } };
      const said: unknown = await update(moving, config, options).catch((error: unknown) => error);
      if (!world.files.has('active')) continue;
      unfinished += 1;
      t.ok(said instanceof OperatorError && said.exitCode === 13, `from ${dockerAwayFrom}`);
    }
    t.ok(unfinished > 5, String(unfinished));
  },
);

await t.test(
  'Docker that is away when the way back begins: no attempt, however often',
  async (t) => {
    const effects = await effectsOf('bad');
    let met = 0;
    for (let dockerAwayFrom = 0; dockerAwayFrom < effects; dockerAwayFrom++) {
      const world = worldAt('bad');
      await run(world, { dockerAwayFrom }).catch(() => {});
      const journal = [...world.files].find(([name]) => name.endsWith('/journal'))?.[1] ?? '';
      if (!world.files.has('active') || !journal.includes('wait for Docker')) continue;
      met += 1;
      // It is there when recovery looks, and away when it is needed.
      for (let time = 0; time < 8; time++) await run(world, { dockerAwayFrom: 1 }).catch(() => {});
      t.notOk(world.files.has('needs-operator.json'), `from ${dockerAwayFrom}`);
      await run(world);
      t.equal(broken(world, ['old']), undefined, `from ${dockerAwayFrom}`);
    }
    t.ok(met > 0, String(met));
  },
);
