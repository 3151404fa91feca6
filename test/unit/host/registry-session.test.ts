import t from 'tap';
import { session, type Answers } from '../../support/registry-answers.ts';

const head = { method: 'HEAD', path: 'a', target: '/v2/a/manifests/1', mostBytes: 10 } as const;

/** A registry with a token server. */
const withTokens =
  (realm: string, token: () => string = () => '{"token":"T"}'): Answers =>
  ({ url, headers }) => {
    if (url.href.startsWith(realm)) return { status: 200, body: token() };
    if (headers['authorization']?.startsWith('Bearer ') === true) return { status: 200 };
    return { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}",service="s"` } };
  };

await t.test('a password is not sent without TLS, wherever the registry wants it', async (t) => {
  const realm = 'http://auth.lab/token';
  const { session: one, sent } = session(withTokens(realm), { username: 'u', password: 'secret' });
  await t.rejects(one.ask(head), { kind: 'bad answer', message: /without TLS, to http:\/\/auth/ });
  t.same(
    sent.map(({ url }) => url.href),
    ['https://reg.lab/v2/'],
  );
  const plain = session(({ url }) =>
    url.pathname === '/v2/' ? { status: 200 } : { status: 307, headers: { location: 'http://x/' } },
  );
  await t.rejects(plain.session.ask(head), { message: /sends us to a place without TLS/ });
  t.equal(plain.sent.length, 2);
});

await t.test('an identity token is sent as OAuth has it, in no address', async (t) => {
  const login = { identitytoken: 'IDENTITY' };
  const { session: one, sent } = session(withTokens('https://auth.lab/token'), login);
  t.equal((await one.ask(head)).status, 200);
  const [, token] = sent;
  t.match(token, { method: 'POST', url: { href: 'https://auth.lab/token' } });
  t.same(Object.fromEntries(new URLSearchParams(token?.body)), {
    grant_type: 'refresh_token',
    client_id: 'orchestrator-update',
    refresh_token: 'IDENTITY',
    scope: 'repository:a:pull repository:b:pull',
    service: 's',
  });
});

await t.test('a token is kept as long as it lives', async (t) => {
  const answers = withTokens('https://auth.lab/token', () => '{"token":"T","expires_in":300}');
  const { session: one, sent, pass } = session(answers);
  const tokens = (): number => sent.filter(({ url }) => url.host === 'auth.lab').length;
  await one.ask(head);
  pass(280);
  await one.ask({ ...head, path: 'b' });
  t.equal(tokens(), 1);
  pass(20);
  await one.ask(head);
  t.equal(tokens(), 2);
});

await t.test('a token server that talks nonsense', async (t) => {
  for (const [body, said] of [
    ['{}', /answers without a token/],
    ['{"token":"a\\r\\nX-Evil: 1"}', /answers without a token/],
  ] as const) {
    const { session: one } = session(withTokens('https://auth.lab/token', () => body));
    await t.rejects(one.ask(head), { kind: 'bad answer', message: said });
  }
  const { session: one } = session(withTokens('file:///etc/shadow'));
  await t.rejects(one.ask(head), { kind: 'bad answer', message: /names no token server/ });
});

await t.test(
  'what is left of a limit is told; a server that is down asks for time, too',
  async (t) => {
    const limit = { 'ratelimit-remaining': '7;w=21600' };
    const { session: one } = session(() => ({ status: 200, headers: limit }));
    await one.ask(head);
    t.same(one.use(), { registry: 'reg.lab', requests: 2, remaining: 7 });
    const down = session(() => ({ status: 503, headers: { 'retry-after': '600' } }));
    await t.rejects(down.session.ask(head), { kind: 'rate limited', message: /asked too often/ });
    t.same(down.session.rest(), { until: '1970-01-01T00:10:00.000Z', why: 'HTTP 503' });
    t.equal(down.sent.length, 1);
  },
);
