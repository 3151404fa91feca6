import t from 'tap';
import type { ImageQuestion } from '../../../src/core/image-look.ts';
import { digest, pulledImage, registry, type LookWorld } from '../../support/look-world.ts';

const NAME = 'reg.lab/team/app';
const ARM = { os: 'linux', architecture: 'arm64', variant: '' };
const DAY_MS = 86_400_000;
const policy: Partial<ImageQuestion> = {
  reference: `${NAME}:1.0.0`,
  tags: { kind: 'semver', part: 'minor' },
};
const aged = { ...policy, minimumAgeHours: 24 };
const [old, young] = ['2026-11-20T00:00:00Z', '2026-11-26T04:00:00Z'];

/** `1.0.0` runs, and two newer tags were made then. */
function releases(first: string, second: string): LookWorld {
  const world = registry();
  world.put('1.0.0', '0', { created: old });
  world.put('1.1.0', 'a', { created: first });
  world.put('1.2.0', 'b', { created: second });
  return world;
}

await t.test('the newest is too young: the one before it, if that may be taken', async (t) => {
  const { look, asked } = releases(old, young);
  t.match(await look(aged), { verdict: 'moved', tag: '1.1.0', digest: digest('a') });
  t.match(await look(policy), { verdict: 'moved', tag: '1.2.0' }, 'no age is asked for');
  asked.length = 0;
  t.match(await look(aged), { verdict: 'moved', tag: '1.1.0' });
  t.same(asked, ['digest 1.2.0', 'digest 1.1.0'], 'one request a tag');
});

await t.test('all are too young: the newest is waited for', async (t) => {
  const { look, put, pass } = releases(young, young);
  t.match(await look(aged), { verdict: 'waiting', tag: '1.2.0', digest: digest('b') });
  put('1.0.0', 'c', { created: old });
  t.match(await look(aged), { verdict: 'moved', tag: '1.0.0' }, 'what the own tag means now');
  put('1.0.0', '0');
  pass(DAY_MS);
  t.match(await look(aged), { verdict: 'moved', tag: '1.2.0' });
});

await t.test('the newest is none for this platform: the one before it', async (t) => {
  const { look, put } = releases(old, old);
  put('1.2.0', 'b', { platforms: [ARM] });
  t.match(await look(policy), { verdict: 'moved', tag: '1.1.0' });
  put('1.1.0', 'd', { platforms: [ARM] });
  const same = (await look(policy)) as { note?: string };
  t.match(same, { verdict: 'same', tag: '1.0.0' });
  t.match(same.note, /has no image for linux\/amd64 under team\/app@sha256:b+ /, 'said of it');
  put('1.0.0', 'c', { platforms: [ARM] });
  await t.rejects(look(policy), { message: /sha256:bbb/ }, 'nothing at all is a failure');
});

await t.test('what is older than what runs is not looked at', async (t) => {
  const { look, asked } = releases(old, young);
  t.match(await look(aged, pulledImage('a')), { verdict: 'waiting', tag: '1.2.0' });
  t.notOk(asked.includes('digest 1.0.0'));
});

await t.test('another tag that failed here is passed over', async (t) => {
  const { look, put } = releases(old, old);
  const bad = { reference: `${NAME}:1.2.0`, digest: digest('b') };
  t.match(await look({ ...policy, refused: [bad] }), { verdict: 'moved', tag: '1.1.0' });
  const elsewhere = { ...bad, reference: 'reg.lab/team/db:1.2.0' };
  t.match(await look({ ...policy, refused: [elsewhere] }), { verdict: 'moved', tag: '1.2.0' });
  const both = [bad, { reference: `${NAME}:1.1.0`, digest: digest('a') }];
  const held = { verdict: 'moved', tag: '1.2.0', digest: digest('b') };
  t.match(await look({ ...policy, refused: both }), held, 'nothing else: who asked holds it');
  put('1.1.0', 'a', { created: young });
  t.match(await look({ ...aged, refused: [bad] }), { verdict: 'waiting', tag: '1.1.0' });
  put('1.2.0', 'c');
  t.match(await look({ ...policy, refused: both }), { verdict: 'moved', digest: digest('c') });
});

await t.test('the same tag that failed here is answered as ever', async (t) => {
  const { look, put } = registry();
  put('1', 'a');
  const refused = [{ reference: `${NAME}:1`, digest: digest('a') }];
  t.match(await look({ refused }), { verdict: 'moved', tag: '1', digest: digest('a') });
});

await t.test('of hundreds of tags that are too young some are asked for', async (t) => {
  const { look, put, asked } = registry();
  put('1.0.0', '0');
  for (let index = 1; index < 300; index += 1) put(`1.${index}.0`, 'a', { created: young });
  t.match(await look(aged), { verdict: 'waiting', tag: '1.299.0' });
  t.equal(asked.filter((one) => one.startsWith('digest')).length, 6);
});
