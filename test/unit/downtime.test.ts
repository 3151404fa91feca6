import t from 'tap';
import type { ContainerEvent } from '../../src/core/downtime.ts';
import { downtimeOf } from '../../src/core/journal.ts';
import type { Host } from '../../src/host/host.ts';
import { readTransactions } from '../../src/records.ts';
import { update } from '../../src/update.ts';
import { config, worldAt } from '../support/crash-world.ts';
import { fakeHost } from '../support/fake-host.ts';

/** A run whose Docker tells these events. */
async function runWith(tip: string, heard: readonly ContainerEvent[] | undefined) {
  const world = worldAt(tip);
  const host = fakeHost(world);
  const engine: Host['engine'] = {
    ...host.engine,
    watchContainers: () => ({ stop: async () => heard }),
  };
  const options = { force: false, isAutomatic: true };
  const outcome = await update({ ...host, engine }, config, options);
  const [transaction] = await readTransactions(fakeHost(world).state);
  return { outcome, downtime: downtimeOf(transaction?.entries ?? []) };
}

/** A container of the old release that ends, and one that takes its place. */
function away(service: string, fromMs: number, toMs: number): ContainerEvent[] {
  const old = worldAt('good').containers.find((one) => one.service === service)?.id ?? '';
  return [
    { service, container: old, what: 'die', atMs: fromMs },
    { service, container: 'new', what: 'start', atMs: toMs },
  ];
}

await t.test('the journal says how long services were away', async (t) => {
  const heard = away('web', 1000, 4000);
  const updated = await runWith('good', heard);
  t.equal(updated.outcome.result, 'updated');
  t.same(updated.downtime, [{ service: 'web', seconds: 3 }]);
  const back = await runWith('bad', heard);
  t.equal(back.outcome.result, 'rolled back');
  t.same(back.downtime, [{ service: 'web', seconds: 3 }]);
});

await t.test('a Docker that was not heard all the time: nothing is said', async (t) => {
  t.equal((await runWith('good', undefined)).downtime, undefined);
});

await t.test('a service that the release does not have is not away', async (t) => {
  const heard = away('gone', 1000, 4000).slice(0, 1);
  t.same((await runWith('good', heard)).downtime, []);
});
