import t from 'tap';
import type { LookError } from '../../../src/host/registry-failure.ts';
import { digest, LINUX, pulledImage, registry } from '../../support/look-world.ts';

const odd = (os: string, architecture: string) => ({ os, architecture, variant: '' });

await t.test('what a publisher wrote of platforms is not shown to anybody', async (t) => {
  const { look, put } = registry();
  put('1', 'a', { platforms: [odd('\u001B[2J\nall is well', 'amd64'), odd('linux', 'arm64')] });
  const failure = (await look({}).catch((error: unknown) => error)) as LookError;
  t.equal(failure.kind, 'absent');
  t.match(failure.message, /has no image for linux\/amd64 .* \(there are: linux\/arm64\)$/);
  put('1', 'a', { platforms: [odd('linux', 'x'.repeat(300_000))] });
  const other = (await look({}).catch((error: unknown) => error)) as LookError;
  t.match(other.message, /\(there are: none\)$/);
  put('1', 'b', { platforms: [LINUX] });
  t.match(await look({}), { verdict: 'moved' });
});

/** As containerd's store has every image: under its own ID. */
const indexed = { ...pulledImage('0'), digests: [digest('0')], pulledFrom: [] };
const local = { verdict: 'local', why: 'reg.lab does not have it under team/app' };
const DAY_MS = 86_400_000;

await t.test("what was built here is not compared with a stranger's of that name", async (t) => {
  const { look, put, asked, ...world } = registry();
  put('1', 'a');
  t.same(await look({}, indexed), local);
  t.same(asked.splice(0), ['digest 1', `knows ${digest('0')}`]);
  t.same(await look({}, indexed), local);
  t.same(asked, [], 'nor asked for again');
  // It is pushed there later.
  put('2', '0');
  world.pass(DAY_MS);
  t.match(await look({}, indexed), { verdict: 'moved', digest: digest('a') });
});

await t.test('nor where there is nothing of that name', async (t) => {
  const { look, put, asked } = registry();
  t.same(await look({}, indexed), local);
  t.same(asked.splice(0), ['digest 1', `knows ${digest('0')}`]);
  const other = registry();
  other.put('2', '0');
  await t.rejects(
    other.look({}, indexed),
    { message: /has no digest 1/ },
    'one whose tag was deleted',
  );
  put('1', '0');
  t.match(await look({}, { ...indexed, id: digest('9') }), { verdict: 'same' });
});

await t.test('what was pulled is asked for once, and stays known', async (t) => {
  const { look, put, asked, ...world } = registry();
  put('old', '0');
  put('1', 'a');
  t.match(await look({}, indexed), { verdict: 'moved' });
  t.same(asked.splice(0, 2), ['digest 1', `knows ${digest('0')}`]);
  asked.length = 0;
  t.match(await look({}, indexed), { verdict: 'moved' });
  t.same(asked, ['digest 1']);
  // What was shown as the newer one is known when it runs.
  const now = { ...indexed, id: digest('a'), digests: [digest('a')] };
  world.forget('a');
  put('1', 'b');
  t.match(await look({}, now), { verdict: 'moved', digest: digest('b') });
  t.notOk(asked.includes(`knows ${digest('a')}`));
});

await t.test('an image that the tag meant is known after the registry forgot it', async (t) => {
  const { look, put, asked, ...world } = registry();
  put('1', '0');
  for (let day = 0; day < 20; day += 1) {
    t.match(await look({}, indexed), { verdict: 'same' });
    world.pass(DAY_MS);
  }
  t.ok(
    asked.every((one) => one === 'digest 1'),
    'one request each',
  );
  world.pass(15 * DAY_MS);
  world.forget('0');
  put('1', 'a');
  t.match(await look({}, indexed), { verdict: 'moved' });
});

await t.test("in Docker's own store: given another name here", async (t) => {
  const { look, put } = registry();
  put('1', 'a');
  const named = { ...pulledImage('b'), pulledFrom: ['mirror.lab/team/app'] };
  t.same(await look({}, named), local);
  t.match(await look({}, { ...named, pulledFrom: ['reg.lab/team/app'] }), { verdict: 'moved' });
  // A copy of what the registry has.
  const copy = registry();
  copy.put('old', 'b');
  copy.put('1', 'a');
  t.match(await copy.look({}, named), { verdict: 'moved' });
});
