import t from 'tap';
import { makePlan } from '../../../src/core/plan.ts';
import type { PlanInput } from '../../../src/core/plan-input.ts';
import { container, hashes, model, planInput, type Services } from '../../support/builders.ts';

/** `service action` of every service, with what a plan is made of. */
function actions(before: Services, after: Services, rest: Partial<PlanInput> = {}): string[] {
  return plan(before, after, rest).services.map(({ service, action }) => `${service} ${action}`);
}

function plan(before: Services, after: Services, rest: Partial<PlanInput> = {}) {
  return makePlan(planInput(model(before), model(after), rest));
}

const web = { image: 'web:1' };
const db = { image: 'db:1' };

await t.test('each service by itself', async (t) => {
  t.same(actions({ web, db }, { web, db: { image: 'db:2' } }), ['db recreate', 'web untouched']);
  t.same(actions({ web }, { web, db }), ['db create', 'web untouched']);
  t.same(actions({ web, db }, { web }), ['db remove', 'web untouched']);
  t.same(actions({ web, db }, { web, store: db }), ['store rename', 'web untouched']);
  t.same(actions({ web }, { web: { ...web, build: { context: '.' } } }), ['web untouched']);
});

await t.test('who shares a namespace goes along, however indirectly', async (t) => {
  const old = { vpn: web, a: { network_mode: 'service:vpn' }, b: { pid: 'service:a' }, other: db };
  t.same(actions(old, { ...old, vpn: { image: 'web:2' } }), [
    'a recreate',
    'b recreate',
    'other untouched',
    'vpn recreate',
  ]);
});

const needs = (restart: boolean) => ({
  depends_on: { db: { condition: 'service_started', restart } },
});

await t.test('depends_on with restart, and without', async (t) => {
  const old = {
    db,
    follows: { image: 'follows:1', ...needs(true) },
    stays: { ...web, ...needs(false) },
  };
  const made = plan(old, { ...old, db: { image: 'db:2' } }, { composeVersion: '2.26.1' });
  t.same(
    made.services.map(({ service, action }) => `${service} ${action}`),
    ['db recreate', 'follows restart', 'stays untouched'],
  );
  t.match(made.apply.slice(2), [
    { do: 'up', services: ['db'] },
    { do: 'settle' },
    { do: 'restart', services: ['follows'] },
  ]);
});

const labelled = (on: string) => ({
  ...web,
  labels: { 'orchestrator-update.on-file-change': on },
});

const one = (on: string, paths = ['/op/x/app.conf']) => {
  const services = { web: labelled(on) };
  const made = plan(services, services, { contents: [{ service: 'web', paths }] });
  return [
    made.verdict,
    made.services[0]?.action,
    ...made.apply.slice(2).filter((step) => step.do !== 'settle'),
  ];
};

await t.test('files that changed, by the label', async (t) => {
  t.same(one('recreate'), ['full', 'recreate', { do: 'recreate', services: ['web'] }]);
  t.same(one('restart'), ['full', 'restart', { do: 'restart', services: ['web'] }]);
  t.same(one('signal:HUP'), ['full', 'signal', { do: 'signal', service: 'web', signal: 'HUP' }]);
  t.same(one('signal:SIGUSR1')[2], { do: 'signal', service: 'web', signal: 'USR1' });
  t.same(one('ignore'), ['nothing', 'untouched']);
  t.same(one('ignore', ['config app'])[1], 'recreate', 'a definition needs another container');
});

await t.test('drift: repaired on the way, or left; never for its own sake', async (t) => {
  const drifted = [
    container('db', { configHash: hashes(model({ db }))['db'] ?? '' }),
    container('web', { configHash: 'by hand' }),
  ];
  const after = { web, db: { image: 'db:2' } };
  const repaired = plan({ web, db }, after, { containers: drifted });
  t.match(repaired.services[1], { action: 'recreate', drift: /other settings/ });
  t.same(repaired.leave, []);
  const left = plan({ web, db }, after, { containers: drifted, repairsDrift: false });
  t.match(left.services[1], {
    action: 'untouched',
    reasons: [/left as it is: it runs with other/],
  });
  t.same(left.leave, ['web']);
  const idle = plan({ web, db }, { web, db }, { containers: drifted });
  t.match([idle.verdict, idle.services[1]?.action], ['nothing', 'untouched']);
  const older = drifted.map((one) => ({ ...one, composeVersion: '2.26.1' }));
  t.match(plan({ web, db }, after, { containers: older }).services[1]?.reasons, [
    /docker compose 2\.26\.1 made it, and 2\.40\.3 reads its settings otherwise/,
  ]);
});

await t.test('replicas and stopped containers', async (t) => {
  const scaled = { web: { ...web, scale: 2 } };
  t.same(actions({ web, db }, { ...scaled, db }), ['db untouched', 'web create']);
  const two = [container('web', { configHash: hashes(model({ web }))['web'] ?? '' })];
  t.match(plan(scaled, { web }, { containers: [...two, { ...two[0]!, id: 'x' }] }).services[0], {
    action: 'remove',
    reasons: ['2 → 1 containers; the others stay as they are'],
  });
});

await t.test('how long a service is away, and how risky that is', async (t) => {
  const before = { db: { image: 'postgres:16', stop_grace_period: '1m30s' } };
  const made = plan(before, { db: { ...before.db, image: 'postgres:16.4' } });
  t.match(made.services[0], {
    stopSecondsAtMost: 90,
    risk: 'look',
    risks: [{ why: 'it holds data, and is made anew' }],
    values: [{ path: 'image', from: 'postgres:16', to: 'postgres:16.4' }],
  });
  t.equal(made.risk, 'look');
});

await t.test('an old compose and a changed network: the whole cluster', async (t) => {
  const networks = { default: { name: 'n', internal: true } };
  const input = planInput(
    model({ web, db }, { networks: { default: { name: 'n' } } }),
    model({ web, db }, { networks }),
    { composeVersion: '2.26.1' },
  );
  t.same(
    makePlan(input).services.map(({ action }) => action),
    ['recreate', 'recreate'],
  );
});

await t.test(
  'who shares the namespace of one that is restarted is restarted after it',
  async (t) => {
    const old = {
      db,
      follows: { image: 'follows:1', ...needs(true) },
      rides: { image: 'rides:1', network_mode: 'service:follows' },
    };
    t.same(actions(old, { ...old, db: { image: 'db:2' } }), [
      'db recreate',
      'follows restart',
      'rides restart',
    ]);
  },
);

await t.test('a container that was given something else is made anew, by force', async (t) => {
  const after = { web, db: { image: 'db:2' } };
  const stale = { web: ['secret key', 'config app'] };
  const repaired = plan({ web, db }, after, { stale });
  t.match(repaired.services[1], {
    action: 'recreate',
    drift: 'it holds another secret key, config app than its release has',
  });
  t.match(repaired.apply.slice(2), [
    { do: 'up', services: ['db'] },
    { do: 'recreate', services: ['web'] },
    { do: 'settle' },
  ]);
  const reading = [{ service: 'web', paths: ['/op/x/app.conf'] }];
  const once = plan({ web, db }, { web, db }, { stale, contents: reading });
  t.same(
    once.apply.filter((step) => step.do === 'recreate'),
    [{ do: 'recreate', services: ['web'] }],
    'also where files that it reads changed, too',
  );
  const left = plan({ web, db }, after, { stale, repairsDrift: false });
  t.match(left.services[1], { action: 'untouched', drift: /secret key/ });
  t.match(plan({ web, db }, { web, db }, { stale }).services[1], {
    action: 'untouched',
    drift: /secret key/,
  });
});

await t.test('what the release is about is applied although drift is left alone', async (t) => {
  const containers = [container('web', { configHash: 'by hand' })];
  const contents = [{ service: 'web', paths: ['/op/app.conf'] }];
  const made = plan({ web }, { web }, { containers, contents, repairsDrift: false });
  t.match(made.services[0], { action: 'recreate', drift: /other settings/ });
  t.same(made.leave, []);
});

await t.test('where nothing is applied, nothing is said to happen', async (t) => {
  const containers = [container('stranger')];
  const { services } = plan({ web }, { web }, { containers });
  t.match(services, [
    {
      service: 'stranger',
      action: 'untouched',
      reasons: [/left as it is: neither release has it/],
    },
    { service: 'web', action: 'untouched', reasons: [/left as it is: it has no container/] },
  ]);
});

await t.test('a volume: another name makes its users anew, other labels do nothing', async (t) => {
  const service = { image: 'web:1', volumes: [{ type: 'volume', source: 'data', target: '/d' }] };
  const withVolume = (data: object) => model({ web: service }, { volumes: { data } });
  const warned = (now: object): boolean =>
    makePlan(planInput(withVolume({ name: 'a' }), withVolume(now))).warnings.some((one) =>
      one.includes('keeps an existing volume as it is'),
    );
  t.ok(warned({ name: 'a', labels: { x: 'y' } }));
  t.notOk(warned({ name: 'b' }));
});

await t.test('a service of an inactive profile that a person started is left alone', async (t) => {
  const after = { web: { image: 'web:2' } };
  const containers = [container('debug'), container('web')];
  const made = plan({ web }, after, { containers, dormant: ['debug'] });
  t.match(made.services[0], { action: 'untouched', reasons: ['its profile is not active'] });
  t.match(plan({ web }, after, { containers }).services[0], { action: 'remove' });
  const gone = plan({ web, debug: db }, { web }, { dormant: ['debug'] });
  t.match(gone.services[0], { action: 'remove' }, 'the release that puts it there stops it');
});
