import t from 'tap';
import {
  hostPorts,
  jobsOf,
  mayEnd,
  relocate,
  replicasOf,
  sharesNamespaceWith,
  withoutRoot,
} from '../../../src/core/compose-model.ts';
import { model } from '../../support/builders.ts';

await t.test('a model rendered below another root reads as if below /', async (t) => {
  const root = '/cache/s/1-abc/root';
  const staged = model({
    web: {
      volumes: [`${root}/home/geo/op/data`, `${root}/home/geo/beside`, '/etc/localtime'],
      command: [`--config=${root}/home/geo/op/x`, root, `${root}er`],
      scale: 2,
    },
  });
  t.same(withoutRoot(staged, root).services['web'], {
    volumes: ['/home/geo/op/data', '/home/geo/beside', '/etc/localtime'],
    command: ['--config=/home/geo/op/x', '/', `${root}er`],
    scale: 2,
  });
});

await t.test('relocate moves every path below the staging tree, and nothing else', async (t) => {
  const staged = model({
    web: {
      build: { context: '/cache/s/op/autonomy' },
      volumes: [{ type: 'bind', source: '/cache/s/op/data' }, '/cache/s/open', '/etc/localtime'],
      command: ['--at', '/cache/s/op', 'say /cache/s/op/x', '/srv/cache/s/op'],
      scale: 2,
    },
  });
  const moved = relocate(staged, '/cache/s/op', '/home/geo/operation');
  t.same(moved.services['web'], {
    build: { context: '/home/geo/operation/autonomy' },
    volumes: [
      { type: 'bind', source: '/home/geo/operation/data' },
      '/cache/s/open',
      '/etc/localtime',
    ],
    command: ['--at', '/home/geo/operation', 'say /cache/s/op/x', '/srv/cache/s/op'],
    scale: 2,
  });
  t.equal(moved.name, 'shop');
});

await t.test('hostPorts lists each port of the host once', async (t) => {
  const ports = hostPorts(
    model({
      web: {
        ports: [
          { target: 80, published: '8082', protocol: 'tcp', host_ip: '127.0.0.1' },
          { target: 53, published: '5300-5302', protocol: 'udp' },
          { target: 81 },
          { target: 82, published: '' },
        ],
      },
      plain: {},
      odd: { ports: [{ published: '9-8' }, { published: 'x' }, { published: '7000' }] },
    }),
  );
  t.same(
    ports.map(({ service, port, protocol, hostIp }) => `${service} ${hostIp} ${port}/${protocol}`),
    [
      'web 127.0.0.1 8082/tcp',
      'web undefined 5300/udp',
      'web undefined 5301/udp',
      'web undefined 5302/udp',
      'odd undefined 7000/tcp',
    ],
  );
});

await t.test('replicas: scale wins over deploy, and one is usual', async (t) => {
  t.equal(replicasOf({}), 1);
  t.equal(replicasOf({ deploy: { replicas: 3 } }), 3);
  t.equal(replicasOf({ scale: 0, deploy: { replicas: 3 } }), 0);
});

await t.test('a job may end, a service that is restarted may not', async (t) => {
  t.ok(mayEnd({}));
  t.ok(mayEnd({ restart: 'no' }));
  t.ok(mayEnd({ restart: 'on-failure:3' }));
  t.notOk(mayEnd({ restart: 'always' }));
  t.notOk(mayEnd({ restart: 'unless-stopped' }));
  t.notOk(mayEnd({ deploy: { restart_policy: { condition: 'any' } } }));
});

await t.test('jobs: awaited, ended before, or new; and nothing restarts them', async (t) => {
  const now = model({
    web: { depends_on: { migrate: { condition: 'service_completed_successfully' } } },
    migrate: {},
    ended: {},
    fresh: {},
    running: {},
    always: { restart: 'always' },
  });
  const old = model({ web: {}, migrate: {}, ended: {}, running: {} });
  t.same([...jobsOf(now, old, ['ended', 'always'])], ['migrate', 'ended', 'fresh']);
});

await t.test('namespaces shared with a service, whichever kind', async (t) => {
  t.same(sharesNamespaceWith({ network_mode: 'service:vpn', pid: 'service:app' }), ['vpn', 'app']);
  t.same(sharesNamespaceWith({ network_mode: 'host', ipc: 'shareable' }), []);
});
