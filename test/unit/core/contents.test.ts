import t from 'tap';
import { contentsChanged } from '../../../src/core/contents.ts';
import { model } from '../../support/builders.ts';

const cluster = model(
  {
    web: { volumes: [{ type: 'bind', source: '/op/web/nginx.conf', target: '/etc/nginx.conf' }] },
    app: { volumes: [{ type: 'bind', source: '/op/app/conf' }, '/anonymous'] },
    db: { volumes: [{ type: 'volume', source: 'data' }], secrets: [{ source: 'key' }] },
    side: { configs: [{ source: 'inline' }, { source: 'absent' }] },
    plain: {},
  },
  { secrets: { key: { file: '/op/key.txt' } }, configs: { inline: { content: 'x' } } },
);

/** `service: paths` for these changed paths. */
function told(...changed: string[]): string[] {
  return contentsChanged(cluster, changed).map(
    ({ service, paths }) => `${service}: ${paths.join(' ')}`,
  );
}

await t.test(
  'a mounted file, a file below a mounted directory, and the file of a secret',
  async (t) => {
    t.same(told('/op/web/nginx.conf'), ['web: /op/web/nginx.conf']);
    t.same(told('/op/app/conf/a/b', '/op/README'), ['app: /op/app/conf/a/b']);
    t.same(told('/op/key.txt'), ['db: /op/key.txt']);
  },
);

await t.test('a submodule that moved holds what is mounted from it', async (t) => {
  t.same(told('/op/app'), ['app: /op/app']);
  t.same(told('/op'), ['web: /op', 'app: /op', 'db: /op']);
});

await t.test('what only begins alike is another path', async (t) => {
  t.same(told('/op/app/conf.d/x', '/op/web/nginx.conf.bak', 'data', '/op/key'), []);
  t.same(told(), []);
});
