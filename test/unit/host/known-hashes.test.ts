import { mkdtemp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { ComposeModel } from '../../../src/core/compose-model.ts';
import { rememberHashes } from '../../../src/host/known-hashes.ts';

const directory = await mkdtemp(join(tmpdir(), 'known-hashes-'));
const plugin = join(directory, 'docker', 'cli-plugins', 'docker-compose');
process.env['DOCKER_CONFIG'] = join(directory, 'docker');
await mkdir(join(directory, 'docker', 'cli-plugins'), { recursive: true });
await writeFile(plugin, 'compose');
t.after(() => rm(directory, { recursive: true }));

const file = join(directory, 'hashes.json');
const asked: string[][] = [];

/** Stands for compose: a hash that tells the definition. */
async function ask(model: ComposeModel): Promise<Record<string, string>> {
  asked.push(Object.keys(model.services));
  return Object.fromEntries(
    Object.entries(model.services).map(([name, { image }]) => [name, `hash of ${image}`]),
  );
}

/** The hashes, and which services compose was asked for. */
async function hashes(images: Record<string, string>): Promise<[object, string[][]]> {
  asked.length = 0;
  const services = Object.entries(images).map(([name, image]) => [name, { image }] as const);
  const model = { name: 'x', services: Object.fromEntries(services) };
  const answer = await rememberHashes(directory, model, ask);
  return [answer, [...asked]];
}

await t.test(
  'compose is asked once for a definition, and only for those that are new',
  async (t) => {
    const first = { web: 'hash of one', api: 'hash of two' };
    t.same(await hashes({ web: 'one', api: 'two' }), [first, [['web', 'api']]]);
    t.same(await hashes({ web: 'one', api: 'two' }), [first, []]);
    t.same(await hashes({ web: 'one', api: 'three' }), [
      { ...first, api: 'hash of three' },
      [['api']],
    ]);
    t.same(
      await hashes({ web: 'one', api: 'two' }),
      [first, []],
      'and the old ones are still known',
    );
    t.same(
      await hashes({ api: 'one' }),
      [{ api: 'hash of one' }, [['api']]],
      'another name is another',
    );
  },
);

await t.test('another compose is asked for everything', async (t) => {
  await writeFile(plugin, 'another compose');
  t.same((await hashes({ web: 'one' }))[1], [['web']]);
});

await t.test('what is remembered is for root alone, and may be damaged', async (t) => {
  t.equal((await stat(file)).mode & 0o777, 0o600);
  t.notMatch(await readFile(file, 'utf8'), 'image', 'it does not hold definitions');
  await writeFile(file, '{"compose": 3');
  t.same(await hashes({ web: 'one' }), [{ web: 'hash of one' }, [['web']]]);
});
