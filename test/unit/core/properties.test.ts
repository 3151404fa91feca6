import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import { compareModels } from '../../../src/core/comparison.ts';
import { sharesNamespaceWith, type ComposeModel } from '../../../src/core/compose-model.ts';
import { diffModels, type Change } from '../../../src/core/diff.ts';
import { makePlan, type Plan } from '../../../src/core/plan.ts';
import { changedNetworks } from '../../../src/core/plan-steps.ts';
import { container, hashes, planInput } from '../../support/builders.ts';

const RUNS = 2000;
/** Few, so that two models share most of them. */
const name = fc.constantFrom('api', 'db', 'web', 'worker', 'constructor');
const image = fc.constantFrom('one:1', 'one:2', 'reg:5000/two');

const service = fc.record(
  {
    image,
    build: fc.record({ context: fc.constantFrom('/live/a', '/live/b') }),
    environment: fc.dictionary(fc.constantFrom('A', 'B', 'toString'), fc.string()),
    ports: fc.array(
      fc.record({ target: fc.nat(9), published: fc.constantFrom('80', '81', '90-92', '') }),
      { maxLength: 2 },
    ),
    depends_on: fc.dictionary(
      name,
      fc.record({
        condition: fc.constantFrom('service_started', 'service_healthy'),
        restart: fc.boolean(),
      }),
    ),
    network_mode: fc.oneof(
      fc.constant('host'),
      name.map((other) => `service:${other}`),
    ),
    container_name: fc.constantFrom('x', 'y'),
    ipc: name.map((other) => `service:${other}`),
    labels: fc.record({
      'orchestrator-update.on-file-change': fc.constantFrom(
        'recreate',
        'restart',
        'signal:HUP',
        'ignore',
        'nonsense',
      ),
    }),
    restart: fc.constantFrom('no', 'always', 'on-failure'),
    networks: fc.dictionary(name, fc.constant(null)),
    configs: fc.array(fc.record({ source: name }), { maxLength: 1 }),
    stop_grace_period: fc.constantFrom('1m30s', '0s', 'nonsense'),
    scale: fc.nat(3),
    anything: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: [] },
);
const section = fc.option(
  fc.dictionary(name, fc.option(fc.record({ driver: fc.constantFrom('a', 'b') }))),
  { nil: undefined },
);
const model: fc.Arbitrary<ComposeModel> = fc
  .record({
    services: fc.dictionary(name, service),
    networks: section,
    volumes: section,
    configs: section,
  })
  .map((value) => structuredClone(value) as unknown as ComposeModel);

/** Everything a change is about, whichever way one looks. */
function touched(changes: readonly Change[]): string[] {
  return changes
    .flatMap((change) => {
      if (change.kind === 'resource') return [`${change.section} ${change.name}`];
      return change.kind === 'renamed' ? [change.from, change.service] : [change.service];
    })
    .toSorted();
}

/** The same value, its keys in the opposite order everywhere. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, inner]) => [key, turned(inner)]));
}

/** One assertion for all runs; a failure shows the smallest models that break it. */
function check<Args extends unknown[]>(t: Test, property: fc.IPropertyWithHooks<Args>): void {
  t.doesNotThrow(() => {
    fc.assert(property, { numRuns: RUNS });
  });
}

await t.test('a model does not differ from itself, in whatever order its keys are', async (t) => {
  check(
    t,
    fc.property(model, (one) => {
      assert.deepEqual(diffModels(one, structuredClone(one)), []);
      assert.equal(compareModels(one, turned(one) as ComposeModel, []).verdict, 'none');
    }),
  );
});

await t.test('looked at from the other side, the same things differ', async (t) => {
  check(
    t,
    fc.property(model, model, (one, other) => {
      const [there, back] = [diffModels(one, other), diffModels(other, one)];
      assert.deepEqual(touched(there), touched(back));
      assert.equal(there.length === 0, compareModels(one, other, []).verdict === 'none');
    }),
  );
});

await t.test('what differs is named once', async (t) => {
  check(
    t,
    fc.property(model, model, (one, other) => {
      const names = touched(diffModels(one, other));
      assert.equal(new Set(names).size, names.length);
    }),
  );
});

await t.test('every step is in the plan once, and no service is brought up twice', async (t) => {
  check(
    t,
    fc.property(model, model, fc.boolean(), (one, other, everything) => {
      const { prepare, apply } = makePlan(planInput(one, other, { everything }));
      const steps = [...prepare, ...apply].map((step) => JSON.stringify(step));
      assert.equal(new Set(steps).size, steps.length);
      const ups = apply.flatMap((step) => (step.do === 'up' ? step.services : []));
      assert.equal(new Set(ups).size, ups.length);
      assert.ok(ups.every((up) => Object.hasOwn(other.services, up)));
    }),
  );
});

/** What runs and what changed beside the model, as a host may be found. */
const circumstances = fc.record({
  contents: fc.uniqueArray(
    fc.record({ service: name, paths: fc.constantFrom(['/live/x'], ['config db'], ['/live/a/y']) }),
    { selector: ({ service: one }) => one },
  ),
  containers: fc.array(
    fc.record({
      service: name,
      state: fc.constantFrom('running', 'exited', 'created'),
      exitCode: fc.constantFrom(0, 1),
      configHash: fc.constantFrom('', 'other'),
      index: fc.nat(2),
    }),
    { maxLength: 6 },
  ),
  stale: fc.dictionary(name, fc.constant(['secret key'])),
  servicesToBuild: fc.uniqueArray(name),
  dormant: fc.uniqueArray(name),
  repairsDrift: fc.boolean(),
});

type Circumstances = typeof circumstances extends fc.Arbitrary<infer Value> ? Value : never;

function planIn(one: ComposeModel, other: ComposeModel, found: Circumstances): Plan {
  const inNew = (service: string): boolean => Object.hasOwn(other.services, service);
  return makePlan(
    planInput(one, other, {
      ...found,
      contents: found.contents.filter(({ service: which }) => inNew(which)),
      servicesToBuild: found.servicesToBuild.filter(inNew),
      containers: found.containers.map(({ service: which, configHash, index, ...rest }) =>
        container(which, {
          ...rest,
          id: `${which}-${index}`,
          configHash: configHash || (hashes(one)[which] ?? ''),
        }),
      ),
    }),
  );
}

/** Every service a plan does something to, by what its steps do; `settle` sees to the others. */
function stepped(plan: Plan): {
  up: string[];
  forced: string[];
  restart: string[];
  signal: string[];
} {
  const named = (...whats: readonly string[]): string[] =>
    plan.apply.flatMap((step) =>
      whats.includes(step.do) && 'services' in step ? [...step.services] : [],
    );
  return {
    up: named('up'),
    forced: named('recreate'),
    restart: named('restart'),
    signal: plan.apply.flatMap((step) => (step.do === 'signal' ? [step.service] : [])),
  };
}

const anew: ReadonlySet<string> = new Set(['create', 'recreate', 'rename']);

await t.test('a plan says of each service what its steps do to it', async (t) => {
  check(
    t,
    fc.property(model, model, circumstances, (one, other, found) => {
      const plan = planIn(one, other, found);
      const names = plan.services.map(({ service: which }) => which);
      assert.equal(new Set(names).size, names.length, 'each service once');
      const { up, forced, restart, signal } = stepped(plan);
      const touching = [...up, ...forced, ...restart, ...signal];
      assert.equal(new Set(touching).size, touching.length, 'one step each');
      if (plan.verdict === 'nothing') {
        assert.deepEqual(touching, []);
        assert.ok(plan.services.every(({ action }) => action === 'untouched'));
      }
      const whole = plan.strategy === 'rebuild' || changedNetworks(plan.changes).length > 0;
      for (const { service: which, action } of plan.services) {
        if (touching.includes(which)) assert.notEqual(action, 'untouched', which);
        if (action === 'signal') assert.ok(signal.includes(which), `${which} is signalled`);
        if (whole) continue;
        if (anew.has(action)) assert.ok([...up, ...forced].includes(which), `${which} ${action}`);
        if (action === 'restart') assert.ok(restart.includes(which), `${which} is restarted`);
      }
    }),
  );
});

await t.test(
  'who shares a namespace is made anew with its leader, and never without need',
  async (t) => {
    check(
      t,
      fc.property(model, model, circumstances, (one, other, found) => {
        const actions = new Map(
          planIn(one, other, found).services.map(({ service: which, action }) => [which, action]),
        );
        for (const [which, definition] of Object.entries(other.services)) {
          const leaders = sharesNamespaceWith(definition).map(
            (leader) => actions.get(leader) ?? '',
          );
          if (!leaders.some((action) => anew.has(action))) continue;
          assert.ok(anew.has(actions.get(which) ?? ''), `${which}: ${actions.get(which)}`);
        }
      }),
    );
  },
);
