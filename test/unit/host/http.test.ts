import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { post, probe } from '../../../src/host/http.ts';

/** A real server that answers like this; ended with the test. */
async function serve(t: { teardown: (end: () => void) => void }, answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
}

await t.test('any 2xx is healthy', async (t) => {
  const url = await serve(t, (_request, response) => response.end('ok\nmore'));
  t.same(await probe(url, 5), { url, ok: true, detail: 'HTTP 200: ok' });
  const empty = await serve(t, (_request, response) => response.writeHead(204).end());
  t.same(await probe(empty, 5), { url: empty, ok: true, detail: 'HTTP 204' });
});

await t.test('anything else is not, and the first line says why', async (t) => {
  const url = await serve(t, (_request, response) =>
    response.writeHead(503).end(`database is down\n${'x'.repeat(10_000)}`),
  );
  t.same(await probe(url, 5), { url, ok: false, detail: 'HTTP 503: database is down' });
});

await t.test('a secret is not shown, nor the part of it before the cut', async (t) => {
  const secret = 'hunter2-9f83c1';
  const before = 'x'.repeat(195);
  const told = [`${before}${secret}`, `${before.slice(30)} //user:${secret}@database`];
  for (const text of told) {
    const url = await serve(t, (_request, response) => response.writeHead(503).end(text));
    const { detail } = await probe(url, 5, [secret]);
    t.notMatch(detail, 'hunt');
    t.match(detail, /x…|…@/);
    t.ok(detail.length <= 'HTTP 503: '.length + 200);
  }
});

await t.test('a redirect is an answer, and is not followed', async (t) => {
  let asked = 0;
  const url = await serve(t, (_request, response) => {
    asked++;
    response.writeHead(302, { location: '/login' }).end();
  });
  t.same(await probe(url, 5), { url, ok: false, detail: 'HTTP 302' });
  t.equal(asked, 1);
});

await t.test('an endpoint that trickles bytes for ever is not healthy', async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('.'), 50);
    response.once('close', () => clearInterval(timer));
  });
  const startedAt = Date.now();
  t.same(await probe(url, 0.5), { url, ok: false, detail: 'no whole answer within 0.5 s' });
  t.ok(Date.now() - startedAt < 3000);
});

await t.test('one that accepts and stays silent, too', async (t) => {
  const url = await serve(t, () => {});
  t.match(await probe(url, 0.3), { ok: false, detail: 'no whole answer within 0.3 s' });
});

await t.test('a connection that breaks off or is refused', async (t) => {
  const broken = await serve(t, (request) => void request.socket.destroy());
  t.match(await probe(broken, 5), { ok: false, detail: /\S/ });
  t.match(await probe('http://127.0.0.1:1/', 5), {
    ok: false,
    detail: /ECONNREFUSED.*127|bad port/,
  });
  t.match(await probe('http://no-such-host.invalid/', 5), { ok: false, detail: /no-such-host/ });
});

const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`;

await t.test(
  'a user and a password in a URL are sent as a header, and not in the path',
  async (t) => {
    let asked: (string | undefined)[] = [];
    const url = await serve(t, ({ url: path, headers }, response) => {
      asked = [path, headers.authorization];
      response.end('ok');
    });
    for (const [login, sent] of [
      ['ops:pass%3Aword', 'ops:pass:word'],
      ['ops', 'ops:'],
      [':50%', ':50%'],
    ] as const) {
      const { status } = await post(url.replace('//', `//${login}@`), { headers: {}, body: '' }, 5);
      t.equal(status, 200);
      t.same(asked, ['/health', basic(sent)]);
    }
    await post(url, { headers: {}, body: '' }, 5);
    t.same(asked, ['/health', undefined]);
    const message = { headers: { authorization: 'Bearer token' }, body: '' };
    await post(url.replace('//', '//ops:pw@'), message, 5);
    t.same(asked, ['/health', 'Bearer token'], 'a token of its own is told on purpose');
  },
);
