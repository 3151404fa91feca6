import t from 'tap';
import { imagesText } from '../../src/commands/images-text.ts';
import type { Screen } from '../../src/commands/screen.ts';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { ComposeModel } from '../../src/core/compose-model.ts';
import type { ImageAnswer, ImageQuestion } from '../../src/core/image-look.ts';
import { displayWidth } from '../../src/core/display-width.ts';
import type { Host } from '../../src/host/host.ts';
import { lookForImages } from '../../src/look-for-images.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld } from '../support/fake-world.ts';

const label = 'orchestrator-update.images.';
const model: ComposeModel = {
  services: {
    web: { image: 'reg.lab/web:1' },
    worker: { image: 'reg.lab/web:1' },
    db: { image: 'reg.lab/db:16', labels: { [`${label}monitor-only`]: 'true' } },
    cache: { image: 'reg.lab/cache:7', labels: { [`${label}minimum-age`]: '3d' } },
    gone: { image: 'reg.lab/gone:1' },
    tool: { image: 'reg.lab/tool:1' },
    built: { image: 'reg.lab/built:1', build: { context: '.' } },
  },
};
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const found = { tag: '7', digest: digest('c'), platformDigest: digest('d'), pinned: 'x' };
const young: ImageAnswer = {
  verdict: 'waiting',
  ...found,
  created: '2026-11-25T00:00:00Z',
  until: '2026-11-28T00:00:00Z',
  why: 'it was made at 2026-11-25T00:00:00Z',
};
const config = settleConfig(configSchema.parse({}));

function world() {
  const made = makeWorld({ one: { model } }, 'one');
  made.registry.set('reg.lab/web:1', 'id:newer');
  made.registry.delete('reg.lab/gone:1');
  made.answers.set('reg.lab/cache:7', young);
  const why = 'reg.lab does not have it under tool';
  made.answers.set('reg.lab/tool:1', { verdict: 'local', why });
  return made;
}

await t.test('a question for each image and policy, with what runs', async (t) => {
  const asked: ImageQuestion[] = [];
  const host = fakeHost(world());
  const listening: Host = {
    ...host,
    registries: {
      look: (questions) => {
        asked.push(...questions);
        return host.registries.look(questions);
      },
    },
  };
  const { services } = await lookForImages(listening, config, model);
  t.same(
    services.map(({ service, looked }) => [service, looked?.answer.verdict]),
    [
      ['built', undefined],
      ['cache', 'waiting'],
      ['db', 'same'],
      ['gone', 'failed'],
      ['tool', 'local'],
      ['web', 'moved'],
      ['worker', 'moved'],
    ],
  );
  t.equal(asked.length, 5, 'web and worker are one question');
  t.match(
    asked.find(({ reference }) => reference === 'reg.lab/web:1'),
    { id: 'id:reg.lab/web:1' },
  );
  t.match(
    asked.find(({ reference }) => reference === 'reg.lab/cache:7'),
    { minimumAgeHours: 72 },
  );
});

const screen = (isTerminal: boolean): Screen => ({
  isTerminal,
  columns: 200,
  now: new Date(0),
  paint: (_, text) => text,
});

await t.test('a row a service; why there is no answer, and what to type', async (t) => {
  const look = await lookForImages(fakeHost(world()), config, model);
  const lines = imagesText(look, 'watchtower', screen(false)).split('\n');
  const row = (service: string): string[] =>
    lines.find((line) => line.startsWith(`${service}\t`))?.split('\t') ?? [];
  t.match(row('web'), ['web', 'reg.lab/web:1', 'id:reg.lab/w', '1 id:newer', 'same-tag', 'moved']);
  t.match(row('db'), { 4: 'same-tag, monitor only', 5: 'same' });
  t.match(row('cache'), {
    3: `7 ${'c'.repeat(12)}`,
    4: 'same-tag, ≥ 72 h old',
    5: 'waits until 2026-11-28 00:00 UTC: it was made at 2026-11-25T00:00:00Z',
  });
  t.match(row('gone'), { 3: '-', 5: 'not known: absent' });
  t.equal(
    row('tool')[5],
    'not followed: it was built or loaded on this host (reg.lab does not have it under tool)',
  );
  t.match(row('built'), { 3: '-', 4: '-', 5: 'not followed: it is built here' });
  t.ok(lines.includes('reg.lab/gone:1 is not there') && lines.includes('  next: push it'));
  t.match(lines.at(-2), 'images.mode is watchtower: this program leaves it to Watchtower');
  t.match(imagesText(look, 'off', screen(false)), 'images.mode is off: nobody acts on it');
  t.notMatch(imagesText(look, 'builtin', screen(false)), 'images.mode');
});

await t.test('on a terminal the columns are in line; few pulls left are said', async (t) => {
  const { services } = await lookForImages(fakeHost(world()), config, model);
  const use = { registry: 'docker.io', requests: 3 };
  const text = imagesText(
    { services, registries: [{ ...use, remaining: 4 }] },
    'builtin',
    screen(true),
  );
  const [head = '', first = ''] = text.split('\n');
  t.equal(
    displayWidth(head.slice(0, head.indexOf('image'))),
    displayWidth(first.slice(0, first.indexOf('reg.lab'))),
  );
  t.match(text, 'docker.io allows 4 more for now');
  const many = imagesText(
    { services, registries: [{ ...use, remaining: 90 }] },
    'builtin',
    screen(true),
  );
  t.notMatch(many, 'allows');
});
