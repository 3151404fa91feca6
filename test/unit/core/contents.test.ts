import t from 'tap';
import { contentsChanged, definitionsChanged, withAction } from '../../../src/core/contents.ts';
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

await t.test(
  'definitions of configs, secrets and volumes that changed, by their users',
  async (t) => {
    const users = {
      a: { configs: [{ source: 'one' }] },
      b: { secrets: [{ source: 'one' }] },
      c: { volumes: [{ type: 'volume', source: 'one', target: '/d' }] },
    };
    const of = (value: string) =>
      model(users, {
        configs: { one: { content: value } },
        secrets: { one: { file: value } },
        volumes: { one: { name: value } },
      });
    t.same(definitionsChanged(of('x'), of('x')), []);
    t.same(definitionsChanged(of('x'), of('y')), [
      { service: 'a', paths: ['config one'] },
      { service: 'b', paths: ['secret one'] },
      { service: 'c', paths: ['volume one'] },
    ]);
    t.same(definitionsChanged(model({}), of('y')), [], 'new ones come with their users');
  },
);

await t.test('a signal does not reach a file that is mounted by itself', async (t) => {
  const labels = { 'orchestrator-update.on-file-change': 'signal:HUP' };
  const mounted = (source: string) =>
    model({ web: { labels, volumes: [{ type: 'bind', source, target: '/x' }] } });
  const change = { service: 'web', paths: ['/op/x/app.conf'] };
  t.match(withAction(mounted('/op/x'), change).on, { do: 'signal', signal: 'HUP' });
  t.same(withAction(mounted('/op/x/app.conf'), change).on, { do: 'restart' });
});
