import t from 'tap';
import { networksMissing } from '../../../src/core/networks.ts';
import { container, model } from '../../support/builders.ts';

const services = {
  web: { networks: { default: null, shared: {} } },
  host: { network_mode: 'host', networks: { default: null } },
};
const networks = { default: { name: 'shop_default' }, shared: { name: 'corp', external: true } };

await t.test('an attachment that is missing is named service → network', async (t) => {
  const attached = [container('web', { networks: ['shop_default'] })];
  t.same(networksMissing(model(services, { networks }), attached), ['web → corp']);
  t.same(networksMissing(model(services), [container('web', { networks: [] })]), [
    'web → shop_default',
    'web → shop_shared',
  ]);
});

await t.test(
  'what is attached, stopped, foreign or in another namespace lacks nothing',
  async (t) => {
    const found = networksMissing(model(services, { networks }), [
      container('web', { networks: ['corp', 'shop_default', 'extra'] }),
      container('web', { networks: [], state: 'exited' }),
      container('host', { networks: ['host'] }),
      container('stranger', { networks: [] }),
    ]);
    t.same(found, []);
  },
);
