import t from 'tap';
import {
  containerIn,
  dependentsOf,
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
