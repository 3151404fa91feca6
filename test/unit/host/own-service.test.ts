import t from 'tap';
import type { ComposeModel } from '../../../src/core/compose-model.ts';
import type { OwnContainer } from '../../../src/core/own-service.ts';
import { RefusedError } from '../../../src/errors.ts';
import { leaveOwnOut } from '../../../src/host/own-service.ts';

const own: OwnContainer = {
  id: 'x',
  name: 'update_manager',
  project: 'shop',
  service: 'manager',
  configHash: 'of what runs',
  networks: [],
};
const manager = { image: 'manager:1', container_name: 'update_manager' };
const web = { image: 'web:1' };

/** What becomes of a release with these services, where compose gives the update manager this hash. */
async function leave(
  services: ComposeModel['services'],
  hash = 'of what runs',
  container: OwnContainer = own,
) {
  const resolved = { model: { services }, warnings: ['before'], unset: [] };
  const { model, warnings } = await leaveOwnOut(resolved, {
    own: container,
    config: { project_name: 'shop', project_dir: '/srv/shop' },
    hashes: async (asked) =>
      Object.fromEntries(Object.keys(asked.services).map((name) => [name, hash])),
    live: async () => ({ services }),
  });
  return { services: Object.keys(model.services), warnings: warnings.slice(1) };
}

await t.test('its service is in no release; as it is, there is nothing to say', async (t) => {
  t.same(await leave({ web, manager }), { services: ['web'], warnings: [] });
});

await t.test('other settings: a warning, with what to type', async (t) => {
  const { services, warnings } = await leave({ web, manager }, 'another');
  t.same(services, ['web']);
  t.match(warnings, [/^service manager .* cd \/srv\/shop && docker compose up -d manager$/]);
});

await t.test('gone from the release: a warning', async (t) => {
  const { services, warnings } = await leave({ web });
  t.same(services, ['web']);
  t.match(warnings, [/^the release has no service manager,.* docker rm --force update_manager$/]);
});

await t.test('in a project of its own there is nothing to say', async (t) => {
  const beside = { ...own, project: 'update-manager', service: 'update_manager' };
  t.same(await leave({ web }, 'another', beside), { services: ['web'], warnings: [] });
  const { services, warnings } = await leave({ web, manager }, 'another', beside);
  t.same(services, ['web'], 'but where a release wants its name');
  t.match(warnings, [/^service manager wants the name update_manager/]);
});

await t.test('who depends on it cannot be had without it', async (t) => {
  const needing = { ...web, depends_on: { manager: {} } };
  await t.rejects(leave({ web: needing, manager }), {
    message: /^service web depends on manager, the update manager/,
    next: /depends_on/,
  });
});

await t.test('a network that it is on cannot be changed by it', async (t) => {
  const networks = { inner: { name: 'shop_inner', driver_opts: { mtu: '1400' } }, other: {} };
  const live = { name: 'shop', services: { web, manager }, networks };
  const to = (changed: ComposeModel['networks'], on: readonly string[]): Promise<unknown> =>
    leaveOwnOut(
      { model: { ...live, networks: changed ?? {} }, warnings: [], unset: [] },
      {
        own: { ...own, networks: on },
        config: { project_name: 'shop', project_dir: '/srv/shop' },
        hashes: async () => ({ manager: 'of what runs' }),
        live: async () => live,
      },
    );
  const wider = { ...networks, inner: { name: 'shop_inner', driver_opts: { mtu: '1500' } } };
  await t.rejects(to(wider, ['shop_inner']), {
    message: /^the release changes the network shop_inner, which the update manager is on/,
    next: /sudo orchestrator-update run/,
  });
  await t.rejects(to({ ...networks, other: { internal: true } }, ['shop_other']), RefusedError);
  await t.resolves(to(wider, ['bridge', 'shop_other']), 'of others it is not on');
  await t.resolves(to(networks, ['shop_inner', 'shop_other']), 'unchanged');
  await t.resolves(to({ other: {} }, ['shop_inner']), 'docker compose leaves what is gone');
});
