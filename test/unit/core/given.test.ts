import t from 'tap';
import { definitionsChanged } from '../../../src/core/contents.ts';
import { givenFiles, givenObjects, withDigests } from '../../../src/core/given.ts';
import { model } from '../../support/builders.ts';

const project = model(
  {
    web: {
      secrets: [{ source: 'key', target: '/run/secrets/key' }, { source: 'file' }],
      configs: [{ source: 'motd' }, { source: 'text', target: '/etc/text' }],
    },
    idle: {},
  },
  {
    secrets: { key: { environment: 'KEY' }, file: { file: '/live/key' } },
    configs: { motd: { environment: 'MOTD' }, text: { content: 'a' } },
  },
);

await t.test('what compose writes into containers itself', async (t) => {
  t.same(givenObjects(project), [
    { section: 'configs', name: 'motd', variable: 'MOTD' },
    { section: 'configs', name: 'text', content: 'a' },
    { section: 'secrets', name: 'key', variable: 'KEY' },
  ]);
});

await t.test('where it is in a container, and what it holds', async (t) => {
  const known = withDigests(
    project,
    givenObjects(project).map((object) => ({ object, sha256: `of ${object.name}` })),
  );
  t.same(givenFiles(known, 'web'), [
    { what: 'config motd', path: '/motd', sha256: 'of motd' },
    { what: 'config text', path: '/etc/text', sha256: 'of text' },
    { what: 'secret key', path: '/run/secrets/key', sha256: 'of key' },
  ]);
  t.same(givenFiles(known, 'idle'), []);
  t.same(givenFiles(known, 'absent'), []);
  t.same(givenFiles(project, 'web'), [], 'what is not known is not judged');
});

const holding = (sha256: string) =>
  withDigests(project, [{ object: { section: 'secrets', name: 'key', variable: 'KEY' }, sha256 }]);

await t.test('another value makes another model, for those that use it', async (t) => {
  t.same(definitionsChanged(holding('1'), holding('2')), [
    { service: 'web', paths: ['secret key'] },
  ]);
  t.same(definitionsChanged(holding('1'), holding('1')), []);
});
