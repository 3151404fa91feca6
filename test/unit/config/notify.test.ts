import t from 'tap';
import { mistakesIn } from '../../../src/config/rules.ts';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import { urgentEvents } from '../../../src/core/notification.ts';

const parse = (...targets: readonly object[]) =>
  configSchema.safeParse({ notify: { targets } }, { reportInput: false });
const problemsOf = (target: object) =>
  parse(target).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

const mistakes = (...targets: readonly object[]) =>
  mistakesIn(settleConfig(configSchema.parse({ notify: { targets } })));

await t.test('every kind of target, with what it needs', (t) => {
  for (const target of [
    { type: 'slack', url_file: '/etc/x' },
    { type: 'slack', url_credential: 'slack-url', events: ['all'], name: 'ops' },
    { type: 'webhook', url: 'https://example.org/hook', secret_file: '/etc/x' },
    { type: 'webhook', url_credential: 'a', secret_credential: 'b', timeout_seconds: 1 },
    { type: 'ntfy', url: 'https://ntfy.sh/topic' },
    { type: 'ntfy', url_file: '/etc/x', token_file: '/etc/y' },
    { type: 'email', to: ['ops@example.org', 'root'], from: 'shop@example.org' },
    { type: 'command', command: ['/usr/local/bin/tell', 'ops'] },
  ]) {
    const result = parse(target);
    t.ok(result.success, JSON.stringify(target));
    const [parsed] = result.data?.notify.targets ?? [];
    t.same(parsed?.events, 'events' in target ? target.events : urgentEvents);
  }
  t.same(configSchema.parse({}).notify.targets, [], 'nobody unless told');
  t.end();
});

await t.test('a secret has one place, and it is not the configuration', (t) => {
  t.match(problemsOf({ type: 'slack' }), [
    /url_file: one of url_file and url_credential is needed/,
  ]);
  t.match(problemsOf({ type: 'slack', url: 'https://hooks.slack.com/services/T/B/x' }), [
    /Unrecognized key/,
  ]);
  t.match(problemsOf({ type: 'slack', url_file: '/a', url_credential: 'b' }), [/one of/]);
  t.match(problemsOf({ type: 'webhook', url: 'https://example.org' }), [/secret_file: one of/]);
  t.match(problemsOf({ type: 'ntfy', url: 'https://user:pw@ntfy.sh/topic' }), [
    /belongs in a file/,
  ]);
  t.match(problemsOf({ type: 'ntfy', url: 'ftp://ntfy.sh/topic' }), [/http:\/\//]);
  t.match(problemsOf({ type: 'slack', url_credential: '../x' }), [/credential of systemd/]);
  t.end();
});

await t.test('no address is a flag, or two; no command a shell', (t) => {
  for (const to of ['-oQ/tmp@x', 'a@b, c@d', 'a@b\nBcc: c@d', 'a b@c', '']) {
    t.match(problemsOf({ type: 'email', to: [to] }), [/e-mail address/], to);
  }
  t.match(problemsOf({ type: 'command', command: 'tell me' }), [/command/]);
  t.match(problemsOf({ type: 'command', command: ['tell'] }), [/absolute path/]);
  t.match(problemsOf({ type: 'command', command: [] }), [/command/]);
  t.match(problemsOf({ type: 'pager' }), [/type/]);
  t.match(problemsOf({ type: 'slack', url_file: '/a', events: ['rolled'] }), [/events/]);
  t.end();
});

await t.test('two of a kind need names', (t) => {
  const slack = { type: 'slack', url_file: '/etc/x' };
  t.match(mistakes(slack, slack), [{ key: 'notify.targets', problem: /called slack/ }]);
  t.same(mistakes(slack, { ...slack, name: 'night' }), []);
  t.end();
});
