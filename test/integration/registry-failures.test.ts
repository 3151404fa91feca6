import { createServer, type ServerResponse } from 'node:http';
import t from 'tap';
import type { ImageAnswer } from '../../src/core/image-look.ts';
import { asker, heads, login, PLATFORM, withImages } from '../support/registry-asker.ts';
import { listen, startRegistry, user, type Fault } from '../support/registry-world.ts';

t.beforeEach(() => {
  process.env['DOCKER_CONFIG'] = '/nowhere';
});

await t.test('a deleted tag, a wrong password, none: said, and none is up to date', async (t) => {
  for (const auth of ['password', 'token'] as const) {
    const world = await startRegistry(t, auth);
    const host = asker(t);
    const references = await withImages(t, world, host, ['private/app', 'private/db']);
    const questions = references.map((reference) => ({ reference }));
    login(t, world.name, user.password);
    world.removeTag('private/app', '1');
    const [gone, there] = (await host.look(...questions)).images.map(({ answer }) => answer);
    t.match(gone, { verdict: 'failed', kind: 'absent', detail: /has no private\/app:1/ });
    t.match(there, { verdict: 'same' });
    login(t, world.name, 'wrong-secret');
    world.asked();
    for (const { answer } of (await host.look(...questions)).images) {
      t.match(answer, { verdict: 'failed', kind: 'denied', next: `docker login ${world.name}` });
      t.notMatch(JSON.stringify(answer), 'wrong-secret');
    }
    t.equal(world.asked().length, 2, `${auth}: a wrong password is tried once`);
    process.env['DOCKER_CONFIG'] = '/nowhere';
    const [first] = (await host.look(...questions)).images;
    t.match(first?.answer, { verdict: 'failed', kind: 'denied', detail: /wants a login/ });
  }
});

await t.test('a repository that is not ours does not keep us from the others', async (t) => {
  const world = await startRegistry(t, 'token');
  const host = asker(t);
  const references = await withImages(t, world, host, ['private/app', 'team/app']);
  const questions = references.map((reference) => ({ reference }));
  const { images } = await host.look(...questions);
  t.match(images[0]?.answer, { verdict: 'failed', kind: 'denied' });
  t.match(images[1]?.answer, { verdict: 'same' });
  // One that gives no token at all where one of many is not ours.
  world.fault = (request, response) => {
    if (!(request.url ?? '').includes('private')) return false;
    response.writeHead(403).end();
    return true;
  };
  t.match((await host.look(...questions)).images[1]?.answer, { verdict: 'same' });
  // One that reads the first scope alone.
  world.fault = (request) => {
    request.url = request.url?.replace(/(scope=[^&]*)&.*/, '$1') ?? '';
    return false;
  };
  login(t, world.name, user.password);
  for (const { answer } of (await host.look(...questions)).images) {
    t.match(answer, { verdict: 'same' });
  }
});

await t.test('429: waited for within a bound, else left alone, by the next look too', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const references = await withImages(t, world, host, ['team/app', 'team/db']);
  const questions = references.map((reference) => ({ reference }));
  let limited = 1;
  let retryAfter: string | undefined = '7';
  world.fault = (request, response) => {
    if (request.method !== 'HEAD' || (limited -= 1) < 0) return false;
    response.writeHead(429, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
    return true;
  };
  const verdicts = async (): Promise<ImageAnswer[]> =>
    (await host.look(...questions)).images.map(({ answer }) => answer);
  t.match(await verdicts(), [{ verdict: 'same' }, { verdict: 'same' }]);
  t.same(host.slept, [7], 'as long as it asked for');
  limited = Infinity;
  retryAfter = '3600';
  world.asked();
  const notBefore = new Date(host.nowMs + 3_600_000).toISOString();
  const left = { verdict: 'failed', kind: 'rate limited', notBefore };
  t.match(await verdicts(), [left, left]);
  t.ok(heads(world.asked()).length <= 2);
  t.same(host.slept, [7], 'not waited for');
  host.nowMs += 3_590_000;
  t.match(await verdicts(), [left, left]);
  t.same(world.asked(), [], 'not asked before');
  host.nowMs += 11_000;
  retryAfter = undefined;
  host.slept.length = 0;
  t.match(await host.answer(questions[0] ?? {}), { verdict: 'failed', kind: 'rate limited' });
  t.same(host.slept, [2, 4, 8], 'it says nothing: later and later, and not for ever');
  t.equal(heads(world.asked()).length, 4);
  limited = 0;
  host.nowMs += 3_600_000;
  t.match(await host.answer(questions[0] ?? {}), { verdict: 'same' });
});

type Act = (response: ServerResponse) => unknown;

const onHead =
  (act: Act): Fault =>
  (request, response) => {
    return request.method === 'HEAD' && act(response) !== false;
  };

const onUrl =
  (part: string, act: Act): Fault =>
  (request, response) => {
    if (!(request.url ?? '').includes(part)) return false;
    act(response);
    return true;
  };

await t.test('a registry that hangs, breaks off, loops or talks nonsense', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t, 1);
  const [reference = ''] = await withImages(t, world, host, ['team/app']);
  const answer = async (fault: Fault | undefined): Promise<ImageAnswer> => {
    world.fault = fault;
    world.asked();
    return host.answer({ reference });
  };
  const failed = async (fault: Fault, kind: string, detail: RegExp): Promise<void> => {
    t.match(await answer(fault), { verdict: 'failed', kind, detail });
  };
  await failed(
    onHead(() => {}),
    'unreachable',
    /no whole answer within 1 s/,
  );
  await failed(
    onHead((response) => response.destroy()),
    'unreachable',
    /does not answer/,
  );
  await failed(
    onHead((response) => response.writeHead(500).end()),
    'bad answer',
    /HTTP 500/,
  );
  const bearer = { 'www-authenticate': `Bearer realm="http://${world.name}/token"` };
  await failed(
    onHead((response) => response.writeHead(401, bearer).end()),
    'denied',
    /login/,
  );
  t.equal(heads(world.asked()).length, 2, 'a 401 again and again is asked twice');
  const loop = { location: '/v2/elsewhere' };
  const round = /from one place to the next/;
  await failed(
    onHead((response) => response.writeHead(307, loop).end()),
    'bad answer',
    round,
  );
  t.equal(heads(world.asked()).length, 6, 'a loop has an end');
  const odd = { 'docker-content-digest': 'sha256:../../x' };
  await failed(
    onHead((response) => response.writeHead(200, odd).end()),
    'bad answer',
    /digest/,
  );
  const now = await world.push('team/app', '1', { [PLATFORM]: 'newer' });
  const manifest = (body: string): Fault => onUrl(now.digest, (response) => response.end(body));
  await failed(manifest('{}'), 'bad answer', /gives something else/);
  await failed(manifest('x'.repeat(5_000_000)), 'bad answer', /more than \d+ bytes/);
  t.match(await answer(undefined), { verdict: 'moved' });
});

await t.test('who we are is said to the registry alone', async (t) => {
  const world = await startRegistry(t, 'password');
  const elsewhere = await startRegistry(t, 'none');
  const host = asker(t);
  const [reference = ''] = await withImages(t, world, host, ['private/app']);
  login(t, world.name, user.password);
  const now = await elsewhere.push('private/app', '1', { [PLATFORM]: 'newer' });
  world.fault = onUrl('/v2/private/', (response) => {
    const location = `http://${elsewhere.name}${response.req.url}`;
    response.writeHead(307, { location }).end();
  });
  t.match(await host.answer({ reference }), { verdict: 'moved', digest: now.digest });
  const right = Buffer.from(`${user.username}:${user.password}`).toString('base64');
  t.ok(world.sent.some(({ authorization }) => authorization === `Basic ${right}`));
  t.ok(elsewhere.sent.length > 0);
  t.ok(elsewhere.sent.every(({ authorization }) => authorization === undefined));
});

await t.test(
  'a registry that is a name for another, which wants a token of everybody',
  async (t) => {
    const name = await startRegistry(t, 'password');
    const behind = await startRegistry(t, 'token');
    const host = asker(t);
    const [reference = ''] = await withImages(t, name, host, ['team/app']);
    login(t, name.name, user.password);
    const now = await behind.push('team/app', '1', { [PLATFORM]: 'newer' });
    name.fault = onUrl('/v2/team/', (response) => {
      const location = `http://${behind.name}${response.req.url}`;
      response.writeHead(307, { location }).end();
    });
    t.match(await host.answer({ reference }), { verdict: 'moved', digest: now.digest });
    const said = behind.sent.flatMap(({ authorization }) => authorization ?? []);
    t.ok(said.length > 0 && said.every((one) => one.startsWith('Bearer ')), 'as a guest');
  },
);

await t.test('a connection that the server has closed meanwhile is made again', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const [reference = ''] = await withImages(t, world, host, ['team/app']);
  let isFirst = true;
  world.fault = onHead((response) => {
    if (!isFirst) return false;
    isFirst = false;
    response.destroy();
    return true;
  });
  t.match(await host.answer({ reference }), { verdict: 'same' });
});

await t.test('through the proxy that is configured; not for this host', async (t) => {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', ({ url = '' }, socket) => {
    asked.push(url);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${await listen(t, proxy)}`;
  t.teardown(() => delete process.env['HTTPS_PROXY']);
  const host = asker(t);
  const failed = { verdict: 'failed', kind: 'unreachable' };
  t.match(await host.answer({ reference: 'reg.example/team/app:1' }), failed);
  t.same(asked, ['reg.example:443']);
  t.match(await host.answer({ reference: '127.0.0.1:1/team/app:1' }), failed);
  t.equal(asked.length, 1);
});

await t.test('another certificate than a trusted one: nothing is asked, nor said', async (t) => {
  const world = await startRegistry(t, 'password', 'self-made certificate');
  const host = asker(t);
  login(t, world.name, user.password);
  const answer = await host.answer({ reference: `${world.name}/private/app:1` });
  t.match(answer, { verdict: 'failed', kind: 'unreachable', detail: /certificate/ });
  t.same(world.asked(), []);
});

await t.test('a registry that is not there', async (t) => {
  const reference = '127.0.0.1:1/team/app:1';
  const left = { verdict: 'failed', kind: 'unreachable', detail: /ECONNREFUSED/ };
  t.match(await asker(t).answer({ reference }), left);
});
