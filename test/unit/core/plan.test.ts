import t from 'tap';
import { makePlan, stepsBack, type Plan } from '../../../src/core/plan.ts';
import type { PlanInput } from '../../../src/core/plan-input.ts';
import { model, planInput } from '../../support/builders.ts';

const web = { image: 'web:1' };
const db = { image: 'db:1' };
const before = model({ web, db }, { networks: { default: { name: 'n' } } });
const newImage = model({ ...before.services, web: { image: 'web:2' } }, before);
const newNetwork = model(before.services, {
  ...before,
  networks: { default: { name: 'n', internal: true } },
});
const running = [
  { service: 'db', reference: 'db:1', id: 'sha256:db' },
  { service: 'web', reference: 'web:1', id: 'sha256:web' },
];

/** Steps as `do` with what matters most. */
function words(steps: Plan['apply']): string[] {
  return steps.map((step) => {
    switch (step.do) {
      case 'up':
        return `up ${step.services.join('+')}${step.removeOrphans ? ' (orphans)' : ''}`;
      case 'pull':
        return `pull ${step.images.join('+')}`;
      case 'build':
        return `build ${step.services.join('+')}`;
      case 'restart':
        return `restart ${step.services.join('+')}`;
      case 'signal':
        return `signal ${step.signal} ${step.service}`;
      case 'recreate':
        return `recreate ${step.services.join('+')}`;
      case 'down':
      case 'pin':
      case 'settle':
        return `${step.do} ${step.release}`;
      case 'checkout':
        return `checkout ${step.commit[0]}${step.force ? ' (force)' : ''}`;
      case 'keep-images':
      case 'restore-images':
        return `${step.do} ${step.images.map(({ service }) => service).join('+')}`;
      case 'backup':
      case 'sweep':
      case 'stop':
        return step.do;
      case 'fill':
        return `fill from ${step.backup}`;
      case 'swap':
        return `swap: ${step.data}`;
    }
  });
}

function planned(after = newImage, rest: Partial<PlanInput> = {}): Plan {
  return makePlan(planInput(before, after, { runningImages: running, ...rest }));
}

await t.test('verdicts', async (t) => {
  t.equal(planned(before).verdict, 'nothing');
  t.equal(planned(newImage).verdict, 'images');
  t.equal(planned(newNetwork).verdict, 'full');
  t.equal(planned(model({ ...before.services, x: web }, before)).verdict, 'full');
  t.equal(planned(before, { servicesToBuild: ['web'] }).verdict, 'full');
  t.equal(planned(newImage, { servicesToBuild: ['db'] }).verdict, 'full');
  t.equal(planned(before, { everything: true }).verdict, 'full');
});

await t.test('an image change: all that can fail comes before anything is stopped', async (t) => {
  const plan = planned();
  t.same(words(plan.prepare), ['keep-images db+web', 'pull web:2', 'backup']);
  t.same(words(plan.apply), ['sweep', 'checkout b', 'up web (orphans)', 'settle new']);
  t.same(words(stepsBack(plan)), [
    'sweep',
    'restore-images db+web',
    'checkout a (force)',
    'settle old',
  ]);
  t.same(plan.reasons, ['service web has a new image: web:1 → web:2']);
});

await t.test('only text changed: no container is touched', async (t) => {
  const plan = planned(before, { changedPaths: ['README.md', 'docs/a.md'] });
  t.same(words(plan.prepare), []);
  t.same(words(plan.apply), ['checkout b']);
  t.same(words(stepsBack(plan)), ['sweep', 'checkout a (force)']);
  t.same(plan.reasons, ['the compose project is unchanged; 2 files changed']);
  t.match(planned(before, { changedPaths: ['x'] }).reasons, [/1 file changed/]);
});

await t.test('several services: batches in order, orphans removed by the first', async (t) => {
  const after = model(
    {
      db: { image: 'db:2' },
      web: { image: 'web:2', depends_on: { db: { condition: 'service_started' } } },
    },
    before,
  );
  t.same(words(planned(after).apply), [
    'sweep',
    'checkout b',
    'up db (orphans)',
    'up web',
    'settle new',
  ]);
});

await t.test('a service that is only removed leaves nothing to bring up by itself', async (t) => {
  const plan = planned(model({ web }, before));
  t.same(words(plan.apply), ['sweep', 'checkout b', 'settle new']);
  t.same(plan.reasons, ['service db is gone']);
});

await t.test('a network change on an old compose: down, then up, and it says so', async (t) => {
  const plan = planned(newNetwork, { composeVersion: '2.26.1-4' });
  t.equal(plan.strategy, 'rebuild');
  t.same(words(plan.apply), ['sweep', 'down old', 'checkout b', 'settle new']);
  t.same(words(stepsBack(plan)), [
    'sweep',
    'restore-images db+web',
    'down new',
    'checkout a (force)',
    'settle old',
  ]);
  t.match(plan.reasons.at(-1), /2\.26\.1-4 cannot change a network in place/);
});

await t.test('a network change on a new compose is one call for all', async (t) => {
  const plan = planned(newNetwork, { composeVersion: '2.40.3' });
  t.equal(plan.strategy, 'reconcile');
  t.same(words(plan.apply), ['sweep', 'checkout b', 'settle new']);
  t.same(plan.reasons, ['network default changed']);
});

await t.test('a network that comes or goes is no reason to rebuild', async (t) => {
  const networks = { default: { name: 'n' }, extra: { name: 'e' } };
  const plan = planned(model(before.services, { networks }), { composeVersion: '2.26.1' });
  t.equal(plan.strategy, 'reconcile');
});

await t.test('rebuild, when it is asked for', async (t) => {
  const plan = planned(newImage, { strategy: 'rebuild' });
  t.same(words(plan.apply), ['sweep', 'down old', 'checkout b', 'settle new']);
  t.notMatch(plan.reasons.join(), /cannot change/);
});

await t.test('everything: all services again, although nothing differs', async (t) => {
  const plan = planned(before, { everything: true });
  t.same(words(plan.prepare), ['keep-images db+web', 'backup']);
  t.same(words(plan.apply), ['sweep', 'checkout b', 'settle new']);
  t.same(plan.reasons, ['asked to apply everything again']);
});

await t.test('what is pulled', async (t) => {
  const pulled = (after = newImage, rest: Partial<PlanInput> = {}) =>
    words(planned(after, rest).prepare).filter((word) => word.startsWith('pull'));
  t.same(
    pulled(newImage, {
      imageIds: { 'web:1': 'sha256:web', 'db:1': 'sha256:db', 'web:2': 'sha256:web' },
    }),
    ['pull web:2'],
  );
  t.same(pulled(newNetwork), [], 'what is here stays');
  t.same(
    pulled(newNetwork, { imageIds: { 'web:1': 'sha256:web' } }),
    ['pull db:1'],
    'what is missing',
  );
  const same = { a: { image: 'x:2' }, b: { image: 'x:2' }, c: { image: 'a:1' } };
  t.same(pulled(model(same)), ['pull a:1+x:2'], 'each once, in order');
  const shared = model({ web: { image: 'db:1' }, db: { image: 'db:1' } });
  t.same(pulled(shared), [], 'what db goes on running is not moved under it');
  t.same(pulled(shared, { imageIds: {} }), ['pull db:1'], 'unless it is not here');
  t.same(pulled(model({ own: { image: 'own:1', build: { context: '.' } } })), []);
  t.same(pulled(model({ own: { image: 'own:1', pull_policy: 'never' } })), []);
});

await t.test('builds come after pulls and before the backup', async (t) => {
  const after = model({ ...newImage.services, own: { build: { context: '/srv' } } }, before);
  const plan = planned(after, { servicesToBuild: ['own'] });
  t.same(words(plan.prepare), ['keep-images db+web', 'pull web:2', 'build own', 'backup']);
  t.match(plan.reasons, ['service own is new', /web has a new image/, /own is built anew/]);
  t.same(words(plan.apply).slice(2, -1), ['up own (orphans)', 'up web']);
});

await t.test('a rollback by hand is offline and restores the image names first', async (t) => {
  const kept = [{ service: 'web', reference: 'web:2', id: 'i', tag: 't' }];
  const plan = planned(newImage, {
    kind: 'rollback',
    everything: true,
    keptImages: kept,
    imageIds: { 'web:1': 'sha256:web', 'web:2': 'sha256:web', 'db:1': 'sha256:db' },
  });
  t.same(words(plan.prepare), ['keep-images db+web', 'backup']);
  t.same(words(plan.apply), ['sweep', 'restore-images web', 'checkout b', 'settle new']);
});

await t.test('a rollback does not pull what was kept for it', async (t) => {
  const keptImages = [{ service: 'web', reference: 'web:2', id: 'i', tag: 't' }];
  const plan = planned(newImage, { kind: 'rollback', keptImages });
  t.same(words(plan.prepare), ['keep-images db+web', 'backup']);
});

await t.test(
  'only contents of mounted files: those services are made anew, there and back',
  async (t) => {
    const contents = [{ service: 'web', paths: ['/op/nginx.conf'] }];
    const plan = planned(before, { contents, changedPaths: ['nginx.conf'] });
    t.equal(plan.verdict, 'full');
    t.same(words(plan.apply), ['sweep', 'checkout b', 'recreate web', 'settle new']);
    t.same(words(stepsBack(plan)).slice(-3), ['checkout a (force)', 'recreate web', 'settle old']);
    t.match(plan.reasons, [/service web reads files that changed: \/op\/nginx\.conf/]);
    const both = words(planned(newImage, { contents }).apply);
    t.notOk(both.includes('recreate web'), 'a service that is made anew anyway, once');
  },
);

await t.test('kept images have a tag of this run and this service each', async (t) => {
  const [keep] = planned().prepare;
  t.same(keep, {
    do: 'keep-images',
    images: [
      { ...running[0], tag: 'orchestrator-update/kept:T1-db' },
      { ...running[1], tag: 'orchestrator-update/kept:T1-web' },
    ],
  });
});

await t.test(
  'warnings of compose are passed on; a volume that will not change is named',
  async (t) => {
    t.same(planned(newImage, { warnings: ['x is not set'] }).warnings, ['x is not set']);
    const one = model({ web }, { volumes: { data: { name: 'd' } } });
    const two = model({ web }, { volumes: { data: { name: 'd', driver: 'nfs' } } });
    t.match(makePlan(planInput(one, two)).warnings, [/volume data changed.*keeps/]);
  },
);

await t.test('a plan survives the disk', async (t) => {
  const plan = planned(newNetwork);
  t.same(JSON.parse(JSON.stringify(plan)), plan);
});
