import t from 'tap';
import { damagedNames } from '../../src/core/verification.ts';
import { readVerifications } from '../../src/records.ts';
import { verifyWhatIsDue } from '../../src/verify-backups.ts';
import { broken, config, run, worldAt } from '../support/crash-world.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { reboot, type World } from '../support/fake-world.ts';

const always = {
  ...config,
  backup: { ...config.backup, verify: { sample_days: 1, sample_percent: 100, restore_days: 1 } },
};

const verify = (world: World, disturbance?: Disturbance) =>
  verifyWhatIsDue(fakeHost(world, disturbance), always);

function rottenWorld(): World {
  const world = worldAt('good');
  world.backedUp.push('data');
  world.rotten.add('20250109T000000Z-old/data');
  return world;
}

await t.test(
  'cut off at any moment, the damage is found by the next one, and stays known',
  async (t) => {
    const whole = rottenWorld();
    await verify(whole);
    t.ok(whole.effects > 0);
    for (let cut = 0; cut <= whole.effects; cut++) {
      const world = rottenWorld();
      await verify(world, { cutBefore: cut }).catch(() => {});
      reboot(world);
      const before = await readVerifications(fakeHost(world).state);
      const found = await verify(world);
      t.ok(before.alarm ?? found?.result === 'damaged', `cut before effect ${cut}`);
      const record = await readVerifications(fakeHost(world).state);
      t.same([...damagedNames(record)], ['20250109T000000Z-old']);
    }
  },
);

await t.test('an update is what it is, whatever is known of backups', async (t) => {
  const world = rottenWorld();
  t.match(await verify(world), { result: 'damaged' });
  t.match(await run(world), { result: 'updated', exitCode: 0 });
  t.equal(broken(world, ['good']), undefined);
  t.match(await verify(world), { kind: 'restore', result: 'good' }, 'the new one comes up');
  t.notOk((await readVerifications(fakeHost(world).state)).alarm);
});
