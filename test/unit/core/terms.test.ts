import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import t from 'tap';
import { withImageVolumes } from '../../../src/core/image-volumes.ts';
import { makePlan, type Plan } from '../../../src/core/plan.ts';
import type { PlanInput } from '../../../src/core/plan-input.ts';
import {
  differencesBetween,
  hashOf,
  idOf,
  termsOf,
  withDigestsOf,
  type Terms,
} from '../../../src/core/terms.ts';
import { model, planInput, type Services } from '../../support/builders.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hash = (plan: Plan): string => hashOf(termsOf(plan), sha256);

const before: Services = {
  db: { image: 'db:1', volumes: [{ type: 'volume', source: 'data', target: '/data' }] },
  web: { image: 'web:1' },
};
const after: Services = { ...before, web: { image: 'web:2', privileged: true } };
const digests = { 'db:1': 'sha256:d', 'web:2': 'sha256:w' };
const effect = (contents: string) => ({ contents, images: {} });

function planned(rest: Partial<PlanInput> = {}, services: Services = after): Plan {
  const plan = makePlan(planInput(model(before), model(services), rest));
  return { ...plan, digests, effects: { from: effect('old'), to: effect('new') } };
}
const plan = planned({ runningImages: [{ service: 'web', reference: 'web:1', id: 'sha256:web' }] });

await t.test('made again at another time, it is the same plan', async (t) => {
  const again = planned({
    name: 'T2',
    backup: 'B2',
    warnings: ['the disk is nearly full', 'another'],
  });
  t.not(JSON.stringify(again), JSON.stringify(plan));
  t.equal(hash(again), hash(plan));
  t.equal(hash({ ...plan, warnings: plan.warnings.toReversed() }), hash(plan));
  t.equal(hash(JSON.parse(JSON.stringify(plan)) as Plan), hash(plan), 'as a file has it');
});

await t.test(
  'a risk that showed with its images is the same as one that was planned',
  async (t) => {
    const volumes = { db: { before: ['/data'], after: ['/other'] } };
    const late = withImageVolumes(planned(), model(after), volumes);
    const early = planned({ imageVolumes: volumes });
    t.not(hash(late), hash(plan));
    t.not(
      JSON.stringify(early.risks),
      JSON.stringify(late.risks),
      'they are found in another order',
    );
    t.equal(hash(late), hash(early));
  },
);

const others: Readonly<Record<string, Plan>> = {
  'the release that is left': { ...plan, from: 'c'.repeat(40) },
  'the release': { ...plan, to: 'c'.repeat(40) },
  'the verdict': { ...plan, verdict: 'images' },
  'the strategy': { ...plan, strategy: 'rebuild' },
  'a digest': { ...plan, digests: { ...digests, 'web:2': 'sha256:x' } },
  'an image reference': { ...plan, digests: { 'db:1': 'sha256:d', 'web:3': 'sha256:w' } },
  'a digest that is not known': { ...plan, digests: { ...digests, 'web:2': '' } },
  'the contents': { ...plan, effects: { from: effect('old'), to: effect('newer') } },
  'what is done to a service': {
    ...plan,
    services: plan.services.map((one) => ({ ...one, action: 'recreate' as const })),
  },
  'the reason for it': {
    ...plan,
    services: plan.services.map((one) => ({ ...one, reasons: ['drift'] })),
  },
  'its drift': {
    ...plan,
    services: plan.services.map((one) => ({ ...one, drift: 'it runs with other settings' })),
  },
  'a service more': planned({}, { ...after, more: { image: 'db:1' } }),
  'a risk more': {
    ...plan,
    risks: [...plan.risks, { subject: 'volumes', risk: 'look', why: 'x' }],
  },
  'a risk less': { ...plan, risks: plan.risks.slice(1) },
  'how bad a risk is': {
    ...plan,
    risks: plan.risks.map((one) => ({ ...one, risk: 'look' as const })),
  },
  'whether data comes back': { ...plan, dataBack: 'B1' },
};
for (const [what, other] of Object.entries(others)) {
  await t.test(`${what} is part of what is approved, and is told`, async (t) => {
    t.not(hash(other), hash(plan));
    t.not(differencesBetween(termsOf(plan), termsOf(other)).length, 0);
  });
}

await t.test('what differs is said in words', async (t) => {
  const said = (other: Plan): string[] => differencesBetween(termsOf(plan), termsOf(other));
  t.same(said(plan), []);
  t.match(said({ ...plan, to: 'c'.repeat(40) }), [/the branch moved: bbbbbbbbbbbb → cccccccccccc/]);
  const [a, b] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`);
  t.same(
    differencesBetween(
      { ...termsOf(plan), digests: { 'web:2': a! } },
      { ...termsOf(plan), digests: { 'web:2': b! } },
    ),
    ['image web:2: sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb'],
  );
  t.match(said(others['a risk more']!), ['it is new that volumes: x (look)']);
  t.match(said(others['a risk less']!), [/^no longer: service web: becomes privileged/]);
  t.match(said(others['the reason for it']!), [/^service db: untouched \(drift\)/]);
  t.match(said(others['a service more']!), [/^service more: not there → create \(/]);
});

await t.test('a digest that no registry tells now is taken as it was known', async (t) => {
  const known = termsOf(plan);
  const silent = termsOf({ ...plan, digests: { ...digests, 'web:2': '' } });
  t.same(withDigestsOf(known, silent), known);
  const moved = termsOf({ ...plan, digests: { ...digests, 'web:2': 'sha256:x' } });
  t.same(withDigestsOf(known, moved), moved, 'what is known now counts');
});

await t.test('an ID is eight digits, and more where another plan begins with them', async (t) => {
  const [one, other] = ['12345678ab', '12345678cd'];
  t.equal(idOf(one), '12345678');
  t.equal(idOf(one, 'ffff'), '12345678');
  t.equal(idOf(one, one), '12345678', 'the same plan keeps its ID');
  t.equal(idOf(other, one), '12345678c');
});

/** Any terms, with few values, so that two of them often share most. */
const some = fc.constantFrom('a', 'b', 'c');
const terms: fc.Arbitrary<Terms> = fc.record({
  from: some,
  commit: some,
  verdict: fc.constantFrom('nothing', 'images', 'full'),
  strategy: fc.constantFrom('reconcile', 'rebuild'),
  services: fc.array(
    fc.record({
      service: some,
      action: fc.constantFrom('create', 'recreate', 'untouched'),
      reasons: fc.array(some, { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
  risks: fc.array(
    fc.record({ subject: some, risk: fc.constantFrom('look', 'dangerous'), why: some }),
    { maxLength: 2 },
  ),
  bringsDataBack: fc.boolean(),
  contents: some,
  digests: fc.dictionary(fc.constantFrom('web:1', '__proto', '10'), some),
});

await t.test('property: two hashes are the same exactly where the terms are', async () => {
  fc.assert(
    fc.property(terms, terms, (one, other) => {
      const isSame = hashOf(one, sha256) === hashOf(other, sha256);
      const isDeepSame = (() => {
        try {
          assert.deepEqual(one, other);
          return true;
        } catch {
          return false;
        }
      })();
      assert.equal(isSame, isDeepSame);
    }),
    { numRuns: 2000 },
  );
});

await t.test('property: the order of keys, and a file between, change nothing', async () => {
  fc.assert(
    fc.property(terms, (one) => {
      const turned = Object.fromEntries(Object.entries(one).toReversed());
      const copy = JSON.parse(JSON.stringify(turned)) as Terms;
      assert.equal(hashOf(copy, sha256), hashOf(one, sha256));
    }),
  );
});

await t.test('property: the names and moments of a plan change nothing', async () => {
  const text = fc.string();
  fc.assert(
    fc.property(text, text, fc.array(text), (name, backup, warnings) => {
      assert.equal(hash(planned({ name, backup, warnings })), hash(plan));
    }),
  );
});
