import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import { compareModels } from '../../../src/core/comparison.ts';
import type { ComposeModel } from '../../../src/core/compose-model.ts';
import { diffModels, type Change } from '../../../src/core/diff.ts';
import { makePlan } from '../../../src/core/plan.ts';
import { planInput } from '../../support/builders.ts';

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
  .record({ services: fc.dictionary(name, service), networks: section, volumes: section })
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
