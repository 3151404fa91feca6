import { createHmac } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { notifySchema } from '../../src/config/notify-schema.ts';
import type { Draft } from '../../src/core/notification.ts';
import type { Log } from '../../src/host/log.ts';
import { send } from '../../src/host/send.ts';
import { openStateFiles } from '../../src/host/state-files.ts';
import { raise } from '../../src/notices.ts';
import { deliver } from '../../src/deliver.ts';
import { queueNotices, readDeliveries, type Outbox } from '../../src/outbox.ts';
import {
  hang,
  hookServer,
  inTurn,
  ok,
  reset,
  status,
  trickle,
  type Answer,
  type Received,
} from '../support/hook-server.ts';

const KEY = 'the key that signs it';
const TOKEN = 'tk_of_ntfy_1234';
const draft: Draft = {
  event: 'rolled-back',
  about: 'ended T1',
  at: '2026-01-01T00:00:00Z',
  summary: 'it was rolled back',
};

/** An outbox on a real disk, with real targets; only its clock is ours. */
function outboxFor(t: Test, targetsWith: (at: (name: string) => string) => readonly object[]) {
  const directory = t.testdir({ state: {}, key: `${KEY}\n`, token: `${TOKEN}\n` });
  const at = (name: string): string => join(directory, name);
  for (const name of ['key', 'token']) chmodSync(at(name), 0o600);
  const clock = { nowMs: Date.now() };
  const said: string[] = [];
  const say = (level: string) => (text: string) => void said.push(`${level} ${text}`);
  const log: Log = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    flush: async () => {},
  };
  const state = openStateFiles(at('state'));
  const outbox: Outbox = {
    state,
    log,
    targets: notifySchema.parse({ targets: targetsWith(at) }).targets,
    host: 'web-1',
    project: 'shop',
    nowMs: () => clock.nowMs,
    send: (target, { notification }) =>
      send(target, notification, { now: new Date(clock.nowMs), isSandboxed: false }),
  };
  return {
    at,
    outbox,
    clock,
    said,
    waiting: () => readDeliveries(state),
    names: () => readdirSync(at('state/outbox')),
    tell: (more: Partial<Draft> = {}) =>
      raise(state, { kind: 'draft', draft: { ...draft, ...more } }),
    go: async () => {
      await queueNotices(outbox);
      await deliver(outbox, 10_000, false);
    },
  };
}

const webhook = (url: string, at: (name: string) => string, more: object = {}) => ({
  type: 'webhook',
  url: `${url}/hooks/T0SECRET0PART`,
  secret_file: at('key'),
  timeout_seconds: 1,
  ...more,
});

async function withWebhook(t: Test, answer: Answer) {
  const server = await hookServer(t, answer);
  return { ...server, ...outboxFor(t, (at) => [webhook(server.url, at)]) };
}

function isSignedBy(key: string, { headers, body }: Received): boolean {
  const [id, seconds] = [headers['webhook-id'], headers['webhook-timestamp']];
  const expected = createHmac('sha256', key).update(`${String(id)}.${String(seconds)}.${body}`);
  return headers['webhook-signature'] === `v1,${expected.digest('base64')}`;
}

await t.test('200: it is sent once, signed, and nothing is left', async (t) => {
  const { received, tell, go, names, said } = await withWebhook(t, ok);
  await tell();
  await go();
  await go();
  t.equal(received.length, 1);
  const [first] = received;
  t.ok(first && isSignedBy(KEY, first));
  t.notOk(first && isSignedBy('another key', first));
  t.equal(first?.headers['idempotency-key'], first?.headers['webhook-id']);
  t.match(JSON.parse(first?.body ?? ''), { schema: 1, event: 'rolled-back', host: 'web-1' });
  t.same(names(), []);
  t.same(said, ['info notify: webhook was told: shop on web-1: rolled back']);
  await tell({ summary: 'somebody met it once more' });
  await go();
  t.equal(received.length, 1, 'what was told is not told again');
});

await t.test('500, then 200: it is tried again after a minute, with the same id', async (t) => {
  const { received, tell, go, clock, names, said } = await withWebhook(
    t,
    inTurn(status(500, 'try later'), ok),
  );
  await tell();
  await go();
  await go();
  t.equal(received.length, 1, 'not before it is time');
  t.match(said, [
    /^warn notify: webhook was not told: 127\.0\.0\.1:\d+: HTTP 500: try later; tried/,
  ]);
  clock.nowMs += 61_000;
  await go();
  await go();
  t.equal(received.length, 2);
  t.equal(received[0]?.headers['webhook-id'], received[1]?.headers['webhook-id']);
  t.ok(received.every((one) => isSignedBy(KEY, one)));
  t.same(names(), []);
});

await t.test(
  'a server that hangs costs its time-out, whatever waits for it; others go on',
  async (t) => {
    const [silent, good] = [await hookServer(t, hang), await hookServer(t, ok)];
    const { tell, go, waiting } = outboxFor(t, (at) => [
      webhook(silent.url, at, { name: 'silent' }),
      webhook(good.url, at, { name: 'good' }),
    ]);
    for (let index = 0; index < 5; index++) await tell({ about: `ended T${index}` });
    const startedAt = Date.now();
    await go();
    const took = Date.now() - startedAt;
    t.ok(took > 900 && took < 3000, `${took} ms`);
    t.equal(silent.received.length, 1);
    t.equal(good.received.length, 5);
    t.match(
      (await waiting()).map(({ target, attempts }) => [target, attempts]),
      [1, 0, 0, 0, 0].map((attempts) => ['silent', attempts]),
      'what was not tried has not failed',
    );
  },
);

await t.test('a connection that breaks off, and one that is refused', async (t) => {
  const { received, tell, go, clock, said, waiting } = await withWebhook(
    t,
    inTurn(reset, reset, ok),
  );
  await tell();
  for (let round = 0; round < 3; round++) {
    await go();
    clock.nowMs += 16 * 60_000;
  }
  t.equal(received.length, 3);
  t.equal(new Set(received.map(({ headers }) => headers['webhook-id'])).size, 1);
  t.same(await waiting(), []);
  t.match(said, [/^warn /, /^info .*was not told/, /^info .*was told/]);
  const nobody = outboxFor(t, (at) => [webhook('http://127.0.0.1:1', at)]);
  await nobody.tell();
  await nobody.go();
  t.equal((await nobody.waiting()).length, 1);
});

await t.test(
  'a slow body: a 2xx is one at its head; of another the time-out is the end',
  async (t) => {
    const good = await withWebhook(t, trickle(200));
    await good.tell();
    const startedAt = Date.now();
    await good.go();
    t.ok(Date.now() - startedAt < 900);
    t.same(good.names(), []);
    const bad = await withWebhook(t, trickle(503));
    await bad.tell();
    await bad.go();
    t.ok(Date.now() - startedAt < 3000);
    t.match(await bad.waiting(), [{ attempts: 1, problem: /HTTP 503/ }]);
  },
);

await t.test('a redirect is not followed: nobody else gets what is secret', async (t) => {
  const other = await hookServer(t, ok);
  const { tell, go, waiting } = await withWebhook(
    t,
    status(307, '', { location: `${other.url}/elsewhere` }),
  );
  await tell();
  await go();
  t.equal(other.received.length, 0);
  t.match(await waiting(), [{ problem: /HTTP 307 \(a redirect, which is not followed\)/ }]);
});

await t.test('who asks to be left alone is', async (t) => {
  const { tell, go, clock, waiting } = await withWebhook(
    t,
    status(429, '', { 'retry-after': '600' }),
  );
  await tell();
  await go();
  t.equal((await waiting())[0]?.notBeforeMs, clock.nowMs + 600_000);
});

await t.test('what a server says has no secret in it when it is told on', async (t) => {
  const server = await hookServer(
    t,
    (response, _number, { path, headers }) =>
      void response
        .writeHead(404)
        .end(`Cannot POST ${path} ${String(headers['authorization'])} ${path.split('/').at(-1)}`),
  );
  const { tell, go, said, at } = outboxFor(t, (at) => [
    webhook(server.url, at),
    { type: 'ntfy', url: `${server.url}/a-topic-nobody-knows`, token_file: at('token') },
  ]);
  await tell();
  await go();
  t.equal(server.received.length, 2);
  t.ok(server.received.some(({ headers }) => headers['authorization'] === `Bearer ${TOKEN}`));
  const files = readdirSync(at('state/outbox')).map((name) =>
    readFileSync(at(`state/outbox/${name}`), 'utf8'),
  );
  t.equal(files.length, 2);
  for (const text of [...said, ...files]) {
    t.notMatch(text, /T0SECRET0PART|a-topic-nobody-knows|tk_of_ntfy|key that signs/);
  }
  t.match(said.join('\n'), /HTTP 404: Cannot POST …/);
});

await t.test(
  'it is given up after three days, with one warning; a target that is gone gets nothing',
  async (t) => {
    const { received, tell, go, clock, names, said, outbox } = await withWebhook(t, status(500));
    await tell();
    for (let round = 0; round < 30; round++) {
      await go();
      clock.nowMs += 6 * 3_600_000;
    }
    t.same(names(), []);
    t.ok(received.length > 10 && received.length < 16, `${received.length}`);
    t.equal(said.filter((line) => line.startsWith('warn ')).length, 2, 'the first, and the last');
    t.match(said.at(-1), /^warn notify: webhook was not told, and it is given up: shop on web-1/);
    await tell({ about: 'ended T2' });
    await go();
    await deliver({ ...outbox, targets: [] }, 1000, false);
    t.same(names(), []);
    t.match(said.at(-1), /nobody is called webhook any more: 1 dropped/);
  },
);

await t.test(
  'each target is told of what it has named, in the order in which it happened',
  async (t) => {
    const server = await hookServer(t, ok);
    const { tell, go, clock } = outboxFor(t, (at) => [
      webhook(`${server.url}/urgent`, at),
      webhook(`${server.url}/all`, at, { name: 'all', events: ['all'] }),
      webhook(`${server.url}/held`, at, { name: 'held', events: ['held'] }),
    ]);
    for (const event of ['started', 'updated', 'rolled-back'] as const) {
      await tell({ event, about: event, at: new Date(clock.nowMs).toISOString() });
      clock.nowMs += 1000;
    }
    await go();
    const at = (name: string) =>
      server.received
        .filter(({ path }) => path.startsWith(`/${name}`))
        .map(({ body }) => (JSON.parse(body) as { event: string }).event);
    t.same(at('urgent'), ['rolled-back']);
    t.same(at('all'), ['started', 'updated', 'rolled-back']);
    t.same(at('held'), []);
  },
);
