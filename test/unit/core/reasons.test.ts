import t from 'tap';
import { reasonFor } from '../../../src/core/reasons.ts';

await t.test('each kind of change in a person’s words', async (t) => {
  t.equal(reasonFor({ kind: 'added', service: 'web' }), 'service web is new');
  t.equal(reasonFor({ kind: 'removed', service: 'web' }), 'service web is gone');
  t.equal(
    reasonFor({ kind: 'renamed', service: 'front', from: 'web' }),
    'service web is now called front',
  );
  t.equal(
    reasonFor({ kind: 'image', service: 'web', from: 'web:1', to: 'web:2' }),
    'service web has a new image: web:1 → web:2',
  );
  t.equal(
    reasonFor({ kind: 'changed', service: 'web', fields: ['container_name', 'ports'] }),
    'service web changed: container name, ports',
  );
});

const changed = (section: 'networks' | 'volumes' | 'configs' | 'secrets') =>
  reasonFor({ kind: 'resource', section, name: 'x', what: 'changed' });

await t.test('networks, volumes, configs and secrets by their singular', async (t) => {
  t.same((['networks', 'volumes', 'configs', 'secrets'] as const).map(changed), [
    'network x changed',
    'volume x changed',
    'config x changed',
    'secret x changed',
  ]);
  const added = { kind: 'resource', section: 'volumes', name: 'x', what: 'added' } as const;
  t.equal(reasonFor(added), 'volume x is new');
  t.equal(reasonFor({ ...added, what: 'removed' }), 'volume x is gone');
});
