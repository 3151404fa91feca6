import t from 'tap';
import {
  diskProblems,
  engineProblems,
  externalsOf,
  imageProblem,
  portClashes,
  unsupportedObjects,
  type RemoteImage,
} from '../../../src/core/preflight.ts';
import type { Service } from '../../../src/core/compose-model.ts';
import { model } from '../../support/builders.ts';

const port = (published: string, host_ip?: string, protocol = 'tcp') => ({
  ports: [{ published, protocol, ...(host_ip === undefined ? {} : { host_ip }) }],
});

const clashes = (one: Service, other: Service): number =>
  portClashes(model({ a: one, b: other })).length;

await t.test('two services that want the same port', async (t) => {
  t.equal(clashes(port('80'), port('80')), 1);
  t.equal(clashes(port('8000-8010'), port('8005')), 1);
  t.equal(clashes(port('80'), port('80', '127.0.0.1')), 1);
  t.equal(clashes(port('80', '127.0.0.1'), port('80', '127.0.0.2')), 0);
  t.equal(clashes(port('80'), port('80', undefined, 'udp')), 0);
  t.match(portClashes(model({ a: port('80'), b: port('80') })), [
    { problem: 'services a and b both want port 80/tcp of this host' },
  ]);
});

const there: RemoteImage = { status: 'there', detail: '', platforms: [], layers: {} };

const problem = (answer: Partial<RemoteImage>) =>
  imageProblem('app:2', 'linux/amd64', { ...there, ...answer })?.problem;

await t.test('images: what the registry says', async (t) => {
  t.equal(problem({}), undefined);
  t.equal(problem({ platforms: ['linux/arm64/v8', 'linux/amd64'] }), undefined);
  t.equal(problem({ status: 'unknown' }), undefined, 'the pull will tell');
  t.match(
    problem({ status: 'absent', detail: 'manifest unknown' }),
    /app:2 cannot be pulled: manifest/,
  );
  t.match(
    problem({ platforms: ['linux/arm64/v8'] }),
    /not there for linux\/amd64, only for linux\/arm64/,
  );
});

const need = (path: string, device: number, neededBytes: number) => ({
  path,
  device,
  neededBytes,
  freeBytes: 100e6,
});

await t.test('room: what goes onto one disk counts together', async (t) => {
  t.same(diskProblems([need('/a', 1, 60e6), need('/b', 2, 60e6)]), []);
  t.match(diskProblems([need('/a', 1, 60e6), need('/b', 1, 60e6)]), [
    { problem: 'no room for this release: 60 MB in /a and 60 MB in /b needed, 100 MB free' },
  ]);
});

await t.test('what is external, by its own name', async (t) => {
  const outside = model(
    {},
    {
      networks: { edge: { external: true, name: 'proxy' }, own: {} },
      volumes: { data: { external: true }, own: null },
      secrets: { key: { external: true } },
    },
  );
  t.same(externalsOf(outside), { networks: ['proxy'], volumes: ['shop_data'] });
  t.match(unsupportedObjects(outside), [{ problem: /^secret key is external/ }]);
});

await t.test('what the engine does not have', async (t) => {
  const engine = {
    platform: 'linux/amd64',
    rootDirectory: '/var/lib/docker',
    runtimes: ['runc'],
    volumeDrivers: ['local', 'rclone:latest'],
    networkDrivers: ['bridge'],
    logDrivers: ['json-file'],
    insecureRegistries: [],
    apiVersion: '1.43',
  };
  const ask = model(
    { a: { runtime: 'nvidia', logging: { driver: 'fluentd' } }, b: { runtime: 'runc' } },
    {
      volumes: { x: { driver: 'rclone' }, y: { driver: 'nfs' } },
      networks: { z: { driver: 'weave' } },
    },
  );
  t.match(
    engineProblems(ask, engine).map(({ problem }) => problem),
    [/volume y .*nfs/, /network z .*weave/, /service a .*nvidia/, /service a .*fluentd/],
  );
  const silent = {
    ...engine,
    runtimes: [],
    volumeDrivers: [],
    networkDrivers: [],
    logDrivers: [],
    insecureRegistries: [],
    apiVersion: '',
  };
  t.same(engineProblems(ask, silent), [], 'an engine that does not say is not doubted');
});
