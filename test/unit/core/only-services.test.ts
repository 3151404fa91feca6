import t from 'tap';
import { onlyServices } from '../../../src/core/compose-model.ts';
import { model } from '../../support/builders.ts';

const needs = (name: string) => ({ depends_on: { [name]: { condition: 'service_started' } } });

await t.test('services with all that they depend on, however indirectly', (t) => {
  const whole = model({
    web: needs('api'),
    api: { network_mode: 'service:vpn' },
    vpn: { volumes_from: ['store:ro'] },
    store: {},
    other: needs('web'),
  });
  const names = (wanted: string[]): string[] =>
    Object.keys(onlyServices(whole, wanted).services).toSorted();
  t.same(names(['web']), ['api', 'store', 'vpn', 'web']);
  t.same(names(['store', 'gone']), ['store']);
  t.equal(onlyServices(whole, ['store']).name, 'shop');
  t.end();
});
