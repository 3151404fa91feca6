import t from 'tap';
import {
  findingsIn,
  isSteady,
  slowlyLooping,
  splitByBaseline,
  urlsFor,
  type Sample,
} from '../../../src/core/health.ts';
import { mayEnd } from '../../../src/core/compose-model.ts';
import type { Container } from '../../../src/core/observe.ts';
import { container, model, type Services } from '../../support/builders.ts';

function sample(...containers: Container[]): Sample {
  return { containers, probes: [] };
}

/** Findings as text: `subject problem (outlook)`. */
function found(services: Services, now: Sample, first = now): string[] {
  const all = model(services);
  const jobs = new Set(Object.keys(services).filter((name) => mayEnd(services[name] ?? {})));
  return findingsIn(all, now, first, jobs).map(
    ({ subject, problem, outlook }) => `${subject} ${problem} (${outlook})`,
  );
}

const always = { web: { restart: 'always' } };

await t.test('everything runs: nothing to find', async (t) => {
  t.same(found({ web: {}, db: {} }, sample(container('web'), container('db'))), []);
  t.same(found(always, sample(container('web', { health: 'healthy' }), container('other'))), []);
});

const states: readonly (readonly [Partial<Container>, string])[] = [
  [{ state: 'exited', exitCode: 3 }, 'service web has exited with code 3 (down)'],
  [{ state: 'exited' }, 'service web has exited with code 0 (down)'],
  [{ state: 'dead' }, 'service web is dead (hopeless)'],
  [{ state: 'created' }, 'service web is created (last exit code 0) (down)'],
  [{ state: 'restarting', exitCode: 1 }, 'service web is restarting (last exit code 1) (down)'],
  [{ state: 'paused' }, 'service web is paused (last exit code 0) (down)'],
  [{ health: 'starting' }, 'service web is starting (starting)'],
  [{ health: 'unhealthy', healthOutput: 'no db' }, 'service web is unhealthy: no db (down)'],
];
for (const [details, expected] of states) {
  await t.test(expected, async (t) => {
    t.same(found(always, sample(container('web', details))), [expected]);
  });
}

await t.test('a job may end with 0, and is hopeless with anything else', async (t) => {
  const job = { web: { restart: 'no' } };
  t.same(found(job, sample(container('web', { state: 'exited' }))), []);
  t.same(found(job, sample(container('web', { state: 'exited', exitCode: 1 }))), [
    'service web has exited with code 1 (hopeless)',
  ]);
});

await t.test('a crash loop is known by its restarts, even while it happens to run', async (t) => {
  const first = sample(container('web', { restartCount: 7 }));
  const after = (restartCount: number) =>
    found(always, sample(container('web', { restartCount, exitCode: 1 })), first);
  t.same(after(7), []);
  t.same(after(9), []);
  t.same(after(10), [
    'service web is crash-looping: restarted 3 times, last exit code 1 (hopeless)',
  ]);
});

await t.test('a container that came later counts its restarts from 0', async (t) => {
  const first = sample(container('web', { id: 'old', restartCount: 50 }));
  t.same(found(always, sample(container('web', { id: 'new', restartCount: 2 })), first), []);
  t.match(found(always, sample(container('web', { id: 'new', restartCount: 3 })), first), [
    /crash-looping/,
  ]);
});

await t.test('what is missing, and each replica', async (t) => {
  t.same(found(always, sample()), ['service web has no container (down)']);
  const two = { web: { scale: 2, restart: 'always' } };
  t.same(found(two, sample(container('web'))), ['service web has no container (down)']);
  const broken = container('web', { id: '2', state: 'dead' });
  t.same(found(two, sample(container('web'), broken)), ['service web is dead (hopeless)']);
  t.same(found({ web: { scale: 0 } }, sample()), []);
});

await t.test('a probe that fails names its URL; waiting may help', async (t) => {
  const probes = [
    { url: 'http://localhost/a', ok: true, detail: 'HTTP 200' },
    { url: 'http://localhost/b', ok: false, detail: 'HTTP 503: starting' },
  ];
  const now = { containers: [], probes };
  t.same(found({}, now), ['http://localhost/b HTTP 503: starting (starting)']);
});

await t.test('what was wrong before is known, not a regression', async (t) => {
  const now = sample(container('web', { state: 'dead' }), container('db', { state: 'dead' }));
  const findings = findingsIn(model({ web: {}, db: {} }), now, now, new Set());
  const { regressions, known } = splitByBaseline(findings, ['service db', 'http://gone']);
  t.same(
    regressions.map(({ subject }) => subject),
    ['service web'],
  );
  t.same(
    known.map(({ subject }) => subject),
    ['service db'],
  );
});

await t.test('steady: the same containers, started at the same time', async (t) => {
  const one = container('web');
  const job = container('job', { state: 'exited' });
  t.ok(isSteady(sample(one, container('db')), sample(container('db'), one)));
  t.ok(isSteady(sample(one, job), sample(one)), 'what has ended is not looked at');
  t.notOk(isSteady(sample(one), sample({ ...one, startedAt: '2026-01-01T00:00:09Z' })));
  t.notOk(isSteady(sample(one), sample({ ...one, restartCount: 1 })));
  t.notOk(isSteady(sample(one), sample({ ...one, id: 'other' })));
  t.notOk(isSteady(sample(one), sample({ ...one, state: 'restarting' })));
});

const publishes = (...ports: string[]) =>
  model({ web: { ports: ports.map((published) => ({ published })) } });

const bad = (restartCount: number) => sample(container('db'), container('web', { restartCount }));

await t.test('what was bad before may keep restarting', async (t) => {
  t.notOk(isSteady(bad(1), bad(2)));
  t.ok(isSteady(bad(1), bad(2), ['service web']));
  t.notOk(isSteady(bad(1), bad(2), ['service db']));
});

const age =
  (nowMs: number) =>
  (one: Container): number =>
    nowMs - Date.parse(one.startedAt);

await t.test('a slow crash loop shows in a start that is recent after many', async (t) => {
  const nowMs = Date.parse('2026-01-01T00:09:00Z');
  const looping = container('web', { restartCount: 3 });
  t.match(slowlyLooping(sample(looping, container('db')), age(nowMs)), [
    { subject: 'service web', problem: 'was restarted 3 times' },
  ]);
  t.same(slowlyLooping(sample(looping), age(nowMs + 120_000)), [], 'it has been up for long');
  t.same(slowlyLooping(sample(container('web', { restartCount: 2 })), age(nowMs)), []);
});

await t.test('a URL of a port that the release no longer publishes is left out', async (t) => {
  const urls = [
    'http://localhost:8082/health',
    'http://127.0.0.1:5001/',
    'http://[::1]:8200/',
    'https://localhost/x',
    'http://elsewhere:8082/',
    'http://localhost:9999/',
  ];
  t.same(urlsFor(urls, publishes('5001'), publishes('8082', '5001', '8200', '443')), {
    probe: ['http://127.0.0.1:5001/', 'http://elsewhere:8082/', 'http://localhost:9999/'],
    gone: ['http://localhost:8082/health', 'http://[::1]:8200/', 'https://localhost/x'],
  });
  const same = publishes('8082');
  t.same(urlsFor(urls, same, same).gone, []);
  t.same(urlsFor(urls, publishes('8082'), publishes()).gone, [], 'a port that is new is probed');
});
