import t from 'tap';
import { recover } from '../../src/recover.ts';
import { approves, configWith, timer, waitingId, worldAt } from '../support/approval-world.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { reboot, runningRelease, type World } from '../support/fake-world.ts';

/** A person is waited for, and approves; the machine is disturbed meanwhile, and comes up again. */
async function approvedAnd(tip: string, disturbance: Disturbance): Promise<World> {
  const world = worldAt(tip);
  await timer(world);
  const wanted = waitingId(world);
  await approves(world, { wanted }, configWith(), fakeHost(world, disturbance)).catch(() => {});
  reboot(world);
  await recover(fakeHost(world), configWith());
  return world;
}

async function effectsOfApproval(tip: string): Promise<number> {
  const world = worldAt(tip);
  await timer(world);
  const { effects } = world;
  await approves(world);
  return world.effects - effects;
}

await t.test(
  'cut off anywhere, what was approved is applied by the timer, or asked for again',
  async (t) => {
    const effects = await effectsOfApproval('risky');
    t.ok(effects > 10, `${effects} effects`);
    const seen = new Set<string>();
    for (const kind of ['cutBefore', 'cutDuring'] as const) {
      for (let cut = 0; cut < effects; cut++) {
        const world = await approvedAnd('risky', { [kind]: cut });
        const where = `${kind} ${cut}`;
        const isApproved = world.files.has('approval.json');
        const was = runningRelease(world);
        t.ok(was === 'old' || was === 'risky', `${where}: one whole release`);
        t.notOk(was === 'risky' && isApproved, `${where}: an approval is used up by its update`);
        const { result } = await timer(world);
        const expected = was === 'risky' ? 'nothing' : isApproved ? 'updated' : 'waiting';
        t.equal(result, expected, where);
        seen.add(expected);
      }
    }
    t.same([...seen].toSorted(), ['nothing', 'updated', 'waiting']);
  },
);

await t.test(
  'cut off anywhere, a bad release that was approved is not applied twice',
  async (t) => {
    const effects = await effectsOfApproval('sick');
    for (let cut = 0; cut < effects; cut++) {
      const world = await approvedAnd('sick', { cutBefore: cut });
      for (let run = 0; run < 3; run++) await timer(world);
      t.equal(runningRelease(world), 'old', `cut ${cut}`);
      t.notOk(world.files.has('approval.json'), `cut ${cut}: used up`);
    }
  },
);

await t.test('cut off anywhere while a plan is held back: the cluster is as it was', async (t) => {
  const first = worldAt('risky');
  await timer(first);
  for (let cut = 0; cut < first.effects; cut++) {
    const world = worldAt('risky');
    await timer(world, configWith(), fakeHost(world, { cutBefore: cut })).catch(() => {});
    reboot(world);
    t.match(await timer(world), { result: 'waiting' }, `cut ${cut}`);
    t.equal(runningRelease(world), 'old');
  }
});
