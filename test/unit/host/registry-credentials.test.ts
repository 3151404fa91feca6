import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { findRegistryAuth } from '../../../src/host/registry-credentials.ts';

const inBase64 = (text: string): string => Buffer.from(text).toString('base64');

/** What is sent for an image with this config.json. */
async function auth(t: Test, config: unknown, reference = 'reg.lab/web:1') {
  const directory = join(t.testdir({}), String(Math.random()));
  mkdirSync(directory);
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  if (config !== undefined) writeFileSync(join(directory, 'config.json'), text);
  process.env['DOCKER_CONFIG'] = directory;
  const { header, problem } = await findRegistryAuth(reference);
  t.equal((header ?? '').length % 4, 0, 'padded');
  const sent = header === undefined ? undefined : Buffer.from(header, 'base64url').toString();
  return { sent: sent === undefined ? undefined : (JSON.parse(sent) as unknown), problem };
}

const anonymous = { sent: undefined, problem: undefined };

await t.test('nothing configured, or not for this registry: anonymous', async (t) => {
  t.same(await auth(t, undefined), anonymous);
  t.same(await auth(t, {}), anonymous);
  t.same(await auth(t, { auths: { 'other.lab': { auth: inBase64('a:b') } } }), anonymous);
  t.same(await auth(t, { auths: { 'reg.lab': {} } }), anonymous, 'a store keeps it elsewhere');
});

await t.test('from the file: by host, by an old URL, Docker Hub, tokens', async (t) => {
  const login = { username: 'geo', password: 'p:w' };
  const entry = { auth: inBase64('geo:p:w\0\0') };
  const sent = { ...login, serveraddress: 'reg.lab' };
  t.same((await auth(t, { auths: { 'reg.lab': entry } })).sent, sent);
  t.same((await auth(t, { auths: { 'https://reg.lab/v1/': entry } })).sent, sent);
  t.same((await auth(t, { auths: { 'reg.lab': login } })).sent, sent);
  const hub = 'https://index.docker.io/v1/';
  const config = { auths: { [hub]: entry }, psFormat: 'x' };
  t.same((await auth(t, config, 'team/web')).sent, { ...login, serveraddress: hub });
  t.same((await auth(t, { auths: { 'reg.lab': { ...entry, identitytoken: 'T' } } })).sent, {
    identitytoken: 'T',
    serveraddress: 'reg.lab',
  });
});

await t.test('a file that cannot be read as it should is told, without its content', async (t) => {
  const { sent, problem } = await auth(t, '{"auths":{"reg.lab":{"auth":"czNjcmV0"');
  t.equal(sent, undefined);
  t.match(problem, /no credentials from .*config\.json: it is no JSON$/);
  const wrong = await auth(t, { auths: { 'reg.lab': { auth: 7 } } });
  t.match(wrong.problem, /unexpected auths\.reg\.lab\.auth$/);
});

await t.test('a helper that is not there is told', async (t) => {
  const { sent, problem } = await auth(t, { credsStore: 'nowhere' });
  t.equal(sent, undefined);
  t.match(problem, /docker-credential-nowhere get: is not installed/);
});
