import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Delivery } from '../../src/core/delivery.ts';
import { isFinal, stateOf } from '../../src/core/journal.ts';
import { deliver } from '../../src/deliver.ts';
import { queueNotices, type Outbox } from '../../src/outbox.ts';
import { readTransactions } from '../../src/records.ts';
import { recover } from '../../src/recover.ts';
import { update } from '../../src/update.ts';
import { worldAt } from '../support/crash-world.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { reboot, runningRelease, type World } from '../support/fake-world.ts';

const targets = [
  { type: 'command', command: ['/bin/all'], name: 'all', events: ['all'] },
  { type: 'command', command: ['/bin/urgent'], name: 'urgent' },
];
const config = settleConfig(
  configSchema.parse({
    health: { urls: [], stable_seconds: 3, unhealthy_seconds: 5 },
    notify: { targets },
  }),
);

const run = (world: World, disturbance?: Disturbance) =>
  update(fakeHost(world, disturbance), config, { force: false, isAutomatic: true });

const HOUR_MS = 3_600_000;

/** What reached somebody: what was sent is not taken back by a power cut. */
type Inbox = Delivery[];

/** Tells who is to be told, as after each run. A delivery is an effect, too: the power may go before it, and after it. */
async function tell(world: World, inbox: Inbox, disturbance?: Disturbance): Promise<void> {
  const host = fakeHost(world, disturbance);
  const outbox: Outbox = {
    state: host.state,
    log: host.log,
    targets: config.notify.targets,
    host: 'web-1',
    project: 'shop',
    nowMs: () => world.clockMs,
    // Any effect of the fake host is one that the power may go before.
    send: async (_target, delivery) => {
      await host.barrier();
      inbox.push(delivery);
    },
  };
  await queueNotices(outbox);
  await deliver(outbox, 10_000, false);
}

const eventsFor = (inbox: Inbox, target: string) =>
  inbox.filter((one) => one.target === target).map(({ notification }) => notification.event);
const keys = (inbox: Inbox) =>
  inbox.map(({ target, notification }) => `${target} ${notification.id}`);

/** What of the ends of transactions was told, and what should have been. */
async function problemsIn(world: World, inbox: Inbox): Promise<string[]> {
  const told = inbox
    .filter(({ target }) => target === 'all')
    .map(({ notification }) => notification);
  const transactions = await readTransactions(fakeHost(world).state);
  const missing = transactions.flatMap(({ id, entries }) => {
    const state = stateOf(entries);
    if (entries.length === 0 || !isFinal(state)) return [];
    const ends = told.filter(
      ({ facts, event }) => facts?.['transaction'] === id && event !== 'started',
    );
    const expected = { COMMITTED: 'updated', ROLLED_BACK: 'rolled-back', ABORTED: 'recovered' };
    const wanted = expected[state as keyof typeof expected];
    return ends.length > 0 && ends.every(({ event }) => event === wanted)
      ? []
      : [
          `${id} is ${state}, and was told as ${ends.map(({ event }) => event).join(', ') || 'nothing'}`,
        ];
  });
  const left = [...world.files.keys()].filter((name) => /^(untold|outbox)\//.test(name));
  return [...missing, ...left.map((name) => `${name} was left`)];
}

await t.test('undisturbed: told once, in order, each target what it wants', async (t) => {
  for (const [tip, all, urgent] of [
    ['good', ['started', 'updated'], []],
    ['bad', ['started', 'rolled-back'], ['rolled-back']],
  ] as const) {
    const world = worldAt(tip);
    const inbox: Inbox = [];
    await run(world);
    await tell(world, inbox);
    t.same(eventsFor(inbox, 'all'), all, tip);
    t.same(eventsFor(inbox, 'urgent'), urgent, tip);
    await run(world);
    await tell(world, inbox);
    t.equal(inbox.length, all.length + urgent.length, 'nothing new is not told');
    t.same(await problemsIn(world, inbox), []);
  }
});

await t.test(
  'the power cut before, and in the middle of, any effect of a run: what is told is what happened, once',
  async (t) => {
    for (const tip of ['good', 'bad', 'mounted'] as const) {
      const whole = worldAt(tip);
      await run(whole);
      const problems: string[] = [];
      for (const kind of ['cutBefore', 'cutDuring'] as const) {
        for (let cut = 0; cut <= whole.effects; cut++) {
          const world = worldAt(tip);
          const inbox: Inbox = [];
          await run(world, { [kind]: cut }).catch(() => {});
          reboot(world);
          await recover(fakeHost(world), config);
          const ran = runningRelease(world);
          await tell(world, inbox);
          // One that was never begun is waited for so long.
          world.clockMs += HOUR_MS;
          await tell(world, inbox);
          const found = await problemsIn(world, inbox);
          const isTwice = new Set(keys(inbox)).size !== inbox.length;
          if (isTwice) found.push(`something was told twice: ${keys(inbox).join(', ')}`);
          const isUpdated = eventsFor(inbox, 'all').includes('updated');
          if (isUpdated && ran !== tip) found.push(`updated was told, and ${ran} runs`);
          problems.push(...found.map((one) => `${tip}, ${kind} ${cut}: ${one}`));
        }
      }
      t.same(problems, [], `${tip}: ${whole.effects} effects`);
    }
  },
);

await t.test('who tells before it is recovered tells that it has begun, and no more', async (t) => {
  for (const tip of ['good', 'bad'] as const) {
    const whole = worldAt(tip);
    await run(whole);
    for (let cut = 0; cut <= whole.effects; cut++) {
      const world = worldAt(tip);
      const inbox: Inbox = [];
      await run(world, { cutBefore: cut }).catch(() => {});
      reboot(world);
      const isOpen = world.files.has('active');
      await tell(world, inbox);
      if (isOpen) {
        const early = eventsFor(inbox, 'all').filter((event) => event !== 'started');
        const isOver = [...world.files.values()].some((text) =>
          /"state":"(COMMITTED|ROLLED_BACK)"/.test(text),
        );
        if (early.length > 0 && !isOver) t.fail(`${tip}, cut ${cut}: ${early.join(', ')} was told`);
      }
      await recover(fakeHost(world), config);
      await tell(world, inbox);
      world.clockMs += HOUR_MS;
      await tell(world, inbox);
      const found = await problemsIn(world, inbox);
      if (found.length > 0) t.fail(`${tip}, cut ${cut}: ${found.join('; ')}`);
      t.equal(new Set(keys(inbox)).size, inbox.length, `${tip}, cut ${cut}`);
    }
  }
});

await t.test(
  'the power cut before any effect of telling: nothing is lost; twice only what had been sent, under its id',
  async (t) => {
    for (const tip of ['good', 'bad'] as const) {
      const make = async (): Promise<World> => {
        const world = worldAt(tip);
        await run(world);
        return world;
      };
      const whole = await make();
      const before = whole.effects;
      const told: Inbox = [];
      await tell(whole, told);
      const effects = whole.effects - before;
      t.ok(effects > 8, `${effects} effects`);
      for (let first = 0; first <= effects; first++) {
        for (let second = 0; second <= effects; second += 3) {
          const world = await make();
          const inbox: Inbox = [];
          for (const cutBefore of [first, second]) {
            const life: Inbox = [];
            await tell(world, life, { cutBefore }).catch(() => {});
            if (new Set(keys(life)).size !== life.length) t.fail(`${tip}: twice in one life`);
            inbox.push(...life);
            reboot(world);
          }
          await tell(world, inbox);
          const found = await problemsIn(world, inbox);
          if (found.length > 0) t.fail(`${tip}, cuts ${first}, ${second}: ${found.join('; ')}`);
          // Each cut may fall between what was sent and its removal, for both targets at the same time.
          const again = inbox.length - new Set(keys(inbox)).size;
          if (again > 2 * targets.length)
            t.fail(`${tip}, cuts ${first}, ${second}: ${again} were told again`);
          t.same([...new Set(keys(inbox))].toSorted(), keys(told).toSorted());
        }
      }
    }
  },
);

const fails = () => true;

await t.test('a disk that is full loses a notification, and changes no outcome', async (t) => {
  for (const code of ['ENOSPC', 'EROFS'] as const) {
    const world = worldAt('good');
    const plain = worldAt('good');
    const outcome = await run(world, { diskFails: { from: 0, code, fails } }).catch(String);
    const same = await update(
      fakeHost(plain, { diskFails: { from: 0, code, fails } }),
      { ...config, notify: { targets: [] } },
      { force: false, isAutomatic: true },
    ).catch(String);
    t.same(outcome, same, code);
  }
});
