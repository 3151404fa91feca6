import t from 'tap';
import { throwAwayModel, urlsInside } from '../../../src/core/throw-away.ts';

const where = {
  project: 'p-verify',
  workTree: '/srv/op',
  treeCopy: '/copy/op',
  volumes: { p_data: '/copy/volumes/p_data' },
  images: { db: 'sha256:1' },
};
const bind = (source: string) => ({ type: 'bind', source, target: source });

await t.test('nothing of it is seen from outside, or reaches anything there', async (t) => {
  const db = {
    image: 'db:1',
    build: '.',
    container_name: 'the-db',
    ports: [{ published: '5432', target: 5432 }],
    network_mode: 'host',
    privileged: true,
    devices: ['/dev/kvm'],
    labels: { 'traefik.enable': 'true' },
    restart: 'always',
    environment: { A: '1' },
    networks: { back: { aliases: ['database'], ipv4_address: '10.1.2.3' } },
    volumes: [
      { type: 'volume', source: 'data', target: '/data' },
      { type: 'volume', source: 'cache', target: '/cache' },
      bind('/srv/op/autonomy/conf'),
      bind('/data/else'),
      bind('/var/run/docker.sock'),
    ],
  };
  const model = {
    name: 'p',
    services: { db },
    networks: { back: { external: true } },
    volumes: { data: { name: 'p_data' }, cache: { external: true, name: 'shared' } },
    secrets: { key: { name: 'p_key', file: '/srv/op/key' } },
  };
  t.same(throwAwayModel(model, where), {
    name: 'p-verify',
    services: {
      db: {
        environment: { A: '1' },
        image: 'sha256:1',
        restart: 'no',
        labels: { 'orchestrator-update.verify': 'p' },
        networks: { default: { aliases: ['db', 'database', 'the-db'] } },
        volumes: [
          { type: 'bind', source: '/copy/volumes/p_data', target: '/data', read_only: false },
          { type: 'volume', source: 'cache', target: '/cache' },
          { ...bind('/copy/op/autonomy/conf'), target: '/srv/op/autonomy/conf' },
          { ...bind('/data/else'), read_only: true },
        ],
      },
    },
    networks: { default: { internal: true } },
    volumes: { data: {}, cache: {} },
    configs: {},
    secrets: { key: { file: '/copy/op/key' } },
  });
});

await t.test('probes are answered by the container itself', async (t) => {
  const model = { services: { web: { ports: [{ published: '8082', target: 80 }] }, db: {} } };
  const urls = [
    'http://localhost:8082/health?x=1',
    'http://localhost:1/',
    'http://example.org:8082/',
  ];
  t.same(urlsInside(urls, model, { web: '172.20.0.2' }), ['http://172.20.0.2/health?x=1']);
  t.same(urlsInside(urls, model, {}), []);
});
