import t from 'tap';
import {
  containerIn,
  dependentsOf,
  isOfHost,
  ownServices,
  upWithoutOwn,
  withoutServices,
  type OwnContainer,
} from '../../../src/core/own-service.ts';

const id = 'cd77403fe0303bdfd0dc67b959102025a7121290a0d29f701fe9a420c593d501';
const own: OwnContainer = {
  id,
  name: 'update_manager',
  project: 'shop',
  service: 'manager',
  configHash: 'h',
  networks: [],
};
const beside: OwnContainer = { ...own, project: 'update-manager', service: 'update_manager' };
const model = {
  services: {
    web: { image: 'web:1' },
    db: { image: 'db:1', profiles: ['data'] },
    manager: { image: 'manager:1', container_name: 'update_manager' },
  },
};
const wish = { services: [], removeOrphans: true };

await t.test('a container is known by what Docker mounts into each', async (t) => {
  const root = `/var/lib/docker/containers/${id}`;
  const lines = (place: string, from = root): string =>
    [
      '1181 955 0:155 / / rw,relatime - overlay overlay rw',
      `1196 1181 7:3 ${from} ${place} rw,relatime - ext4 /dev/loop3 rw`,
    ].join('\n');
  t.equal(containerIn(lines('/etc/hosts', `${root}/hosts`)), id);
  t.equal(containerIn(lines('/etc/resolv.conf', `/data/docker/containers/${id}/resolv.conf`)), id);
  t.equal(containerIn(lines(`${root}/mounts/shm`, `${root}/shm`)), undefined, 'on the host');
  t.equal(containerIn(lines('/etc/hosts', '/hosts')), undefined);
  t.equal(containerIn(''), undefined);
});

await t.test('its service, or one that wants its name, is its own', async (t) => {
  t.same(ownServices(model, 'shop', own), ['manager']);
  t.same(ownServices(model, 'shop', { ...own, name: 'other' }), ['manager']);
  t.same(ownServices(model, 'shop', beside), ['manager'], 'by its name');
  t.same(ownServices(model, 'shop', { ...beside, name: 'other' }), []);
  t.same(ownServices(model, 'another', { ...own, name: 'other' }), [], 'a service of that name');
});

await t.test('it is left out of a model; who needs it is known', async (t) => {
  t.same(Object.keys(withoutServices(model, ['manager']).services), ['web', 'db']);
  const needing = {
    services: {
      ...model.services,
      web: { depends_on: { manager: {} } },
      db: { network_mode: 'service:manager' },
    },
  };
  t.same(dependentsOf(needing, ['manager']), ['web', 'db']);
  t.same(dependentsOf(model, ['manager']), []);
  t.same(dependentsOf(needing, []), []);
});

await t.test('`up` names all the others', async (t) => {
  const live = { own, project: 'shop', active: ['manager', 'web'], all: model };
  t.same(upWithoutOwn(wish, live), { services: ['web'], removeOrphans: true });
  t.same(upWithoutOwn(wish, { ...live, active: ['db', 'web'] })?.services, ['db', 'web']);
  t.same(upWithoutOwn({ ...wish, services: ['db'] }, live)?.services, ['db']);
  t.equal(upWithoutOwn({ ...wish, services: ['manager'] }, live), undefined, 'nothing is left');
});

await t.test('gone from the release, it is an orphan that nobody removes', async (t) => {
  const all = { services: { web: {} } };
  const live = { own, project: 'shop', active: ['web'], all };
  t.same(upWithoutOwn(wish, live), { services: [], removeOrphans: false });
  t.same(upWithoutOwn(wish, { ...live, own: beside }), wish, 'in a project of its own it is none');
});

const mount = (place: string): string =>
  `1190 1181 7:3 ${place} ${place} ro,relatime master:1 - ext4 /dev/loop3 rw`;
const info = (...lines: string[]): string => `${lines.join('\n')}\n`;

await t.test(
  'of the host is what is mounted into a container, not what its image has',
  async (t) => {
    const units = '/etc/systemd/system';
    const image = '1181 955 0:155 / / rw,relatime - overlay overlay rw';
    t.equal(isOfHost(units, info(image, mount('/etc/systemd/system'))), true);
    t.equal(isOfHost(units, info(image, mount('/etc'))), true, 'with all of its directory');
    t.equal(isOfHost(units, info(image)), false);
    t.equal(isOfHost(units, info(image, mount('/etc/systemd/system2'), mount('/e'))), false);
    const disk = '22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw';
    t.equal(isOfHost(units, info(disk)), true, 'on a host');
    const hosts = `30 22 8:1 /var/lib/docker/containers/${id}/hosts /etc/hosts rw - ext4 /dev/sda1 rw`;
    t.equal(isOfHost(units, info(disk, hosts)), false, 'a container on another kind of storage');
    t.equal(isOfHost(units, ''), false);
  },
);
