import t from 'tap';
import type { LookError } from '../../../src/host/registry-failure.ts';
import type { WebRequest } from '../../../src/host/registry-http.ts';
import { registryImages, type RegistryImages } from '../../../src/host/registry-images.ts';
import { session, type Answers } from '../../support/registry-answers.ts';

const login = { username: 'u', password: 'secret' };
const repository = { registry: 'reg.lab', host: 'reg.lab', path: 'a' };

/** What a registry that answers like this can be asked, and what it was sent. */
function images(answers: Answers): {
  readonly asked: RegistryImages;
  readonly sent: readonly WebRequest[];
} {
  const { session: one, sent } = session(answers, login);
  return {
    asked: registryImages(
      () => one,
      () => new Date(0),
    ),
    sent,
  };
}

const hosts = (sent: readonly WebRequest[]): string[] => [
  ...new Set(sent.map(({ url }) => url.host)),
];

const bearer = (realm: string) => ({ 'www-authenticate': `Bearer realm="${realm}",service="s"` });

await t.test('whoever we are sent to does not say where the password goes', async (t) => {
  const evil = ['Basic realm="x"', bearer('https://evil.lab/steal')['www-authenticate']];
  for (const own of [bearer('https://auth.lab/token'), { 'www-authenticate': 'Basic' }]) {
    for (const challenge of evil) {
      const { asked, sent } = images(({ url, headers }) => {
        if (url.host === 'auth.lab' || url.host === 'evil.lab')
          return { status: 200, body: '{"token":"T"}' };
        if (url.host === 'cdn.lab')
          return { status: 401, headers: { 'www-authenticate': challenge } };
        if (headers['authorization'] === undefined) return { status: 401, headers: own };
        if (url.pathname === '/v2/') return { status: 200 };
        return { status: 307, headers: { location: 'https://cdn.lab/v2/a/blobs/x' } };
      });
      await t.rejects(asked.digest(repository, '1'), {
        kind: 'bad answer',
        message: 'reg.lab sends us to https://cdn.lab, which wants a login',
      });
      const told = sent.filter(({ headers }) => headers['authorization']?.startsWith('Basic '));
      t.ok(told.length > 0);
      t.same(
        hosts(told).filter((host) => host !== 'reg.lab' && host !== 'auth.lab'),
        [],
        challenge,
      );
    }
  }
});

/** A list of tags whose next page is said to be there. */
const withNext =
  (link: string): Answers =>
  ({ url, headers }) => {
    if (headers['authorization'] === undefined)
      return { status: 401, headers: { 'www-authenticate': 'Basic' } };
    if (url.pathname !== '/v2/a/tags/list' || url.search !== '')
      return { status: 200, body: '{"tags":["2"]}' };
    return { status: 200, headers: { link }, body: '{"tags":["1"]}' };
  };

await t.test('the next page of a list is in the registry, or nowhere', async (t) => {
  for (const next of [
    'https://reg.lab//evil.lab/v2/x',
    '//reg.lab//evil.lab/v2/x',
    'https://evil.lab/v2/a/tags/list',
    '//evil.lab/v2/a/tags/list',
    'https://reg.lab@evil.lab/v2/a/tags/list',
    'https://reg.lab:444/v2/a/tags/list',
    '/admin',
    'file:///v2/passwd',
  ]) {
    const { asked, sent } = images(withNext(`<${next}>; rel="next"`));
    await t.rejects(asked.tags(repository), { kind: 'bad answer', message: /not in it/ }, next);
    t.same(hosts(sent), ['reg.lab']);
  }
  for (const next of [
    '/v2/a/tags/list?last=1',
    'https://reg.lab/v2/a/tags/list?last=1',
    // As of one behind a proxy.
    'http://reg.lab/v2/a/tags/list?last=1',
  ]) {
    const { asked, sent } = images(withNext(`<${next}>; rel="next"`));
    t.same(await asked.tags(repository), ['1', '2'], next);
    t.equal(sent.at(-1)?.url.href, 'https://reg.lab/v2/a/tags/list?last=1');
  }
});

await t.test('a target never names another host', async (t) => {
  const { session: one, sent } = session(() => ({ status: 200 }), login);
  await one.ask({ method: 'GET', path: 'a', target: '//evil.lab/v2/x', mostBytes: 10 });
  t.same(hosts(sent), ['reg.lab']);
});

/** What is advised after that link. */
const advice = async (link: string): Promise<string> => {
  const { asked } = images((request) =>
    request.url.href.includes('reboot') ? { status: 500 } : withNext(link)(request),
  );
  return asked.tags(repository).then(
    () => '',
    (error: LookError) => error.next,
  );
};

await t.test('what is told to type does nothing else', async (t) => {
  t.equal(
    await advice("</v2/x;reboot;$(id)'>; rel=next"),
    String.raw`curl -sSi 'https://reg.lab/v2/x;reboot;$(id)'\'''`,
  );
  t.equal(await advice('</v2/reboot>; rel="next"'), 'curl -sSi https://reg.lab/v2/reboot');
  const { session: plain } = session(({ url }) =>
    url.pathname === '/v2/'
      ? {
          status: 401,
          headers: { 'www-authenticate': 'Bearer realm="https://auth.lab/$(id);reboot"' },
        }
      : { status: 500 },
  );
  const wish = { method: 'GET', path: 'a', target: '/v2/a/tags/list', mostBytes: 10 } as const;
  await t.rejects(plain.ask(wish), {
    message: /HTTP 500/,
    next: "curl -sSi 'https://auth.lab/$(id);reboot'",
  });
});
