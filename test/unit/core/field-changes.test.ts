import t from 'tap';
import type { Service } from '../../../src/core/compose-model.ts';
import { fieldChanges } from '../../../src/core/field-changes.ts';

const ports = (...targets: number[]) => ({ ports: targets.map((target) => ({ target })) });
const told = (old: Service, now: Service): string[] =>
  fieldChanges(old, now).map(({ path, from, to }) => `${path}: ${from} → ${to}`);

await t.test('value by value; what is the same is not told', async (t) => {
  t.same(
    told(
      { image: 'a:1', environment: { A: '1', B: '2' }, command: ['x'], user: '1' },
      { image: 'a:2', environment: { B: '2', C: '3' }, command: ['y', 'z'], user: '1' },
    ),
    [
      'command: ["x"] → ["y","z"]',
      'environment.A: 1 → undefined',
      'environment.C: undefined → 3',
      'image: a:1 → a:2',
    ],
  );
});

await t.test('no secret is shown: by its name, within a value, in a URL', async (t) => {
  const secret = 'hunter2';
  const names = ['DB_PASSWORD', 'API_KEY', 'GITHUB_TOKEN', 'client_secret', 'SENTRY_DSN'];
  const environment = Object.fromEntries(names.map((name) => [name, secret]));
  const lines = told(
    {},
    {
      environment,
      secrets: [secret],
      command: [
        'serve',
        '--token',
        secret,
        `--password=${secret}`,
        `--api-key "${secret}"`.replace(' ', '='),
      ],
      entrypoint: `sh -c 'TOKEN: ${secret}'`,
      labels: { url: `https://geo:${secret}@git.lab/x`, pair: `password,${secret}` },
    },
  );
  t.notMatch(lines.join('\n'), secret);
  t.match(lines.join('\n'), 'https://…@git.lab/x');
  t.match(lines.join('\n'), 'environment.DB_PASSWORD: undefined → …');
});

await t.test(
  'of a list, what came and went; all of it when only the order is another',
  async (t) => {
    t.same(told(ports(1, 2), ports(2, 3)), ['ports: [{"target":1}] → [{"target":3}]']);
    t.same(told(ports(1), ports(1, 2)), ['ports: undefined → [{"target":2}]']);
    t.same(told({ dns: ['a', 'b'] }, { dns: ['b', 'a'] }), ['dns: ["a","b"] → ["b","a"]']);
  },
);

await t.test('an empty record that comes is told', async (t) => {
  t.same(told({}, { networks: {} }), ['networks: undefined → {}']);
});

await t.test('long values are cut', async (t) => {
  const [change] = fieldChanges({ user: '' }, { user: 'x'.repeat(500) });
  t.equal(change?.to?.length, 81);
});
