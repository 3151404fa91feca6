import { assert, property, string } from 'fast-check';
import t from 'tap';
import {
  errorsOf,
  isDigest,
  mayBePlain,
  nextPage,
  parseChallenge,
  parseTags,
  parseToken,
  pullScopes,
  remainingOf,
  repositoryOf,
  retryAfterSeconds,
  tokenUrl,
} from '../../../src/core/registry.ts';
import { findingKey, keptMemory, parseMemory, restOf } from '../../../src/core/registry-memory.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

await t.test('where an image is asked for', (t) => {
  const hub = { registry: 'docker.io', host: 'registry-1.docker.io' };
  for (const name of [
    'nginx',
    'nginx:1',
    'docker.io/nginx',
    'library/nginx',
    'index.docker.io/library/nginx:1',
  ]) {
    t.same(repositoryOf(name), { ...hub, path: 'library/nginx' }, name);
  }
  t.same(repositoryOf('team/app:1'), { ...hub, path: 'team/app' });
  const own = { registry: 'reg.lab:5000', host: 'reg.lab:5000', path: 'a/b/c' };
  t.same(repositoryOf('reg.lab:5000/a/b/c:1'), own);
  t.same(repositoryOf('localhost/app').host, 'localhost');
  t.end();
});

await t.test('plain HTTP on this host, and where the engine lists it; nowhere else', (t) => {
  for (const host of [
    'localhost',
    'localhost:5000',
    '127.0.0.1:5000',
    '127.3.2.1',
    '[::1]:5000',
    'reg.lab:5000',
  ]) {
    t.ok(mayBePlain(host, ['reg.lab:5000']), host);
  }
  for (const host of [
    'reg.lab',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    'docker.io',
  ]) {
    t.notOk(mayBePlain(host, ['reg.lab:5000']), host);
  }
  t.end();
});

await t.test('networks that the engine lists: for addresses in them', (t) => {
  const networks = ['10.1.0.0/16', '192.168.0.7/32', '::1/128', '127.0.0.0/8', 'x/y', '0.0.0.0/'];
  for (const host of ['10.1.2.3', '10.1.255.255:5000', '192.168.0.7:80']) {
    t.ok(mayBePlain(host, networks), host);
  }
  for (const host of ['10.2.0.0', '192.168.0.8', '10.1.2.3.example', '10.1.2', 'reg.lab:5000']) {
    t.notOk(mayBePlain(host, networks), host);
  }
  t.ok(mayBePlain('9.9.9.9', ['0.0.0.0/0']));
  t.end();
});

await t.test('challenges, one of many, and odd ones', (t) => {
  const bearer = { scheme: 'bearer', realm: 'https://auth.lab/token', service: 'reg.lab' };
  const plain = 'Bearer realm="https://auth.lab/token",service="reg.lab"';
  t.same(parseChallenge(plain), bearer);
  t.same(parseChallenge(`${plain},scope="repository:a/b:pull,push"`), bearer);
  t.same(parseChallenge(`Basic realm="x, Bearer", ${plain}`), bearer);
  t.same(parseChallenge('bearer REALM=https://auth.lab/token , service=reg.lab'), bearer);
  t.same(parseChallenge('Bearer service="reg.lab", realm="https://auth.lab/t\\oken"'), bearer);
  t.same(parseChallenge('Basic realm="Registry"'), { scheme: 'basic' });
  t.same(parseChallenge('Basic'), { scheme: 'basic' });
  for (const odd of [
    '',
    'Negotiate',
    'Bearer',
    'realm="x"',
    '="',
    'Bearer service="x"',
    '"""',
    ',,, ,',
  ]) {
    t.equal(parseChallenge(odd), undefined, odd);
  }
  assert(property(string({ maxLength: 300 }), (text) => void parseChallenge(text)));
  const startedAtMs = performance.now();
  for (const part of ['Bearer ', 'a=', '"\\', ' ,', 'x ']) parseChallenge(part.repeat(20_000));
  t.ok(performance.now() - startedAtMs < 2000, 'a long one takes no time');
  t.end();
});

await t.test('one token for many repositories', (t) => {
  t.same(pullScopes(['b', 'a', 'b']), ['repository:a:pull', 'repository:b:pull']);
  const challenge = { scheme: 'bearer', realm: 'https://a.lab/t?x=1', service: 's&s' } as const;
  t.equal(
    tokenUrl(challenge, pullScopes(['a/b', 'c'])),
    'https://a.lab/t?x=1&service=s%26s&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull',
  );
  for (const realm of ['', 'auth.lab', 'file:///etc/shadow', 'javascript:1']) {
    t.equal(tokenUrl({ ...challenge, realm }, []), undefined, realm);
  }
  t.same(parseToken('{"token":"T","expires_in":300}'), { token: 'T', livesSeconds: 300 });
  t.same(parseToken('{"access_token":"T"}'), { token: 'T', livesSeconds: 60 });
  t.same(parseToken('{"token":"T","expires_in":-5}')?.livesSeconds, 60);
  for (const odd of ['', 'null', '[]', '{"token":7}', '{"token":"a\\r\\nb: c"}', '{"token":""}']) {
    t.equal(parseToken(odd), undefined, odd);
  }
  t.end();
});

await t.test('how long to wait, how many are left', (t) => {
  const nowMs = Date.parse('2026-11-26T05:00:00Z');
  const after = (header: string | undefined): number | undefined =>
    retryAfterSeconds(header, nowMs);
  t.same(['0', '7', ' 30 ', '99999999'].map(after), [0, 7, 30, 86_400]);
  t.equal(after('Thu, 26 Nov 2026 05:01:00 GMT'), 60);
  t.equal(after('Thu, 26 Nov 2020 05:01:00 GMT'), 0, 'it is over');
  t.same([undefined, '', '-5', '1.5', 'soon', '1e9'].map(after), Array(6).fill(undefined));
  t.same(['76;w=21600', '0', ' 5 ;w=1'].map(remainingOf), [76, 0, 5]);
  t.same([undefined, '', 'many', '-1', '5x'].map(remainingOf), Array(5).fill(undefined));
  t.equal(nextPage('</v2/x/tags/list?last=b&n=2>; rel="next"'), '/v2/x/tags/list?last=b&n=2');
  t.equal(nextPage('</a>; rel="prev"'), undefined);
  t.end();
});

await t.test('lists, errors and digests, also hostile ones', (t) => {
  t.same(parseTags('{"name":"x","tags":["a",7,"b"]}'), ['a', 'b']);
  t.same(parseTags('{"tags":null}'), []);
  const odd = ['$(id)', 'a b', '', '-x', '1\n', '\u001B[2J', '../../x', 'é', 'x'.repeat(129)];
  t.same(parseTags(JSON.stringify({ tags: [...odd, 'v1_2.3-x', 'x'.repeat(128)] })), [
    'v1_2.3-x',
    'x'.repeat(128),
  ]);
  t.equal(parseTags('{}'), undefined);
  t.equal(parseTags('<html>'), undefined);
  const said = JSON.stringify({ errors: [{ code: 'X', message: '\u001B[31mred\nline' }] });
  t.equal(errorsOf(said), 'X: [31mred line'.replace('[', ' ['));
  t.equal(errorsOf('{"errors":"no list"}'), '');
  t.equal(errorsOf('{"errors":[null,7]}'), '');
  t.ok(isDigest(digest('a')));
  for (const odd of ['', 'sha256:', digest('A'), `${digest('a')}\n`, 'md5:1', 'sha256:../../x']) {
    t.notOk(isDigest(odd), odd);
  }
  t.end();
});

await t.test('what is remembered: damaged parts are left out, old ones go', (t) => {
  const nowMs = Date.parse('2026-11-26T05:00:00Z');
  const finding = {
    digest: digest('a'),
    platformDigest: digest('b'),
    isOther: true,
    seen: '2026-11-26T04:00:00Z',
  };
  const old = { ...finding, seen: '2026-01-01T00:00:00Z' };
  const rest = { until: '2026-11-26T06:00:00Z', why: 'HTTP 429' };
  const over = { until: '2026-11-26T04:59:00Z', why: 'HTTP 429' };
  const told = '2020-01-01 (\u001B[2J)';
  const wrongClock = { until: '2030-01-01T00:00:00Z', why: 'HTTP 429' };
  const key = findingKey('nginx:1', 'sha256:1');
  const text = JSON.stringify({
    images: { [key]: finding, bad: { digest: 7 }, told: { ...finding, created: told }, old },
    rests: { a: rest, b: over, c: wrongClock, d: 5 },
  });
  const memory = parseMemory(text);
  t.same(Object.keys(memory.images), [key, 'old']);
  t.same(
    ['a', 'b', 'c', 'd', 'constructor'].map((name) => restOf(memory, name, nowMs)),
    [rest, ...Array(4).fill(undefined)],
  );
  const fresh = { other: finding };
  t.same(keptMemory(memory, { images: fresh, origins: {} }, nowMs), {
    origins: {},
    images: { [key]: finding, other: finding },
    rests: { a: rest },
  });
  for (const odd of [undefined, '', '{', 'null', '[]', '{"images":7,"rests":null}']) {
    t.same(parseMemory(odd), { images: {}, origins: {}, rests: {} });
  }
  t.end();
});
