import t from 'tap';
import { compareModels, invalidComparison } from '../../../src/core/comparison.ts';
import type { ComposeModel } from '../../../src/core/compose-model.ts';

const web = { image: 'web:1', ports: [{ target: 80 }] };
const model = (services: ComposeModel['services'], rest: object = {}): ComposeModel => ({
  services,
  ...rest,
});
const compared = (before: ComposeModel, after: ComposeModel) => compareModels(before, after, []);

await t.test('the same, in another order of keys', async (t) => {
  const turned = { ports: [{ target: 80 }], image: 'web:1' };
  const { verdict, services } = compared(model({ web }), model({ web: turned }));
  t.equal(verdict, 'none');
  t.same(services, { added: [], removed: [], renamed: [], imageOnly: [], changed: {} });
});

await t.test('each service is in one place at most', async (t) => {
  const { verdict, services, values } = compared(
    model({ web, db: { image: 'db:1' }, gone: { image: 'x' }, old: { image: 'same' } }),
    model({
      web: { ...web, image: 'web:2' },
      db: { image: 'db:2', user: '1' },
      fresh: { image: 'y' },
      renamed: { image: 'same' },
    }),
  );
  t.equal(verdict, 'full');
  t.same(services, {
    added: ['fresh'],
    removed: ['gone'],
    renamed: [{ from: 'old', to: 'renamed' }],
    imageOnly: ['web'],
    changed: { db: ['image', 'user'] },
  });
  t.same(values, {
    db: [
      { path: 'image', from: 'db:1', to: 'db:2' },
      { path: 'user', from: undefined, to: '1' },
    ],
    web: [{ path: 'image', from: 'web:1', to: 'web:2' }],
  });
});

await t.test('images alone; a volume beside them is more', async (t) => {
  const after = { web: { ...web, image: 'web:2' } };
  t.equal(compared(model({ web }), model(after)).verdict, 'image-only');
  const volumes = { volumes: { data: {} } };
  const more = compared(model({ web }), model(after, volumes));
  t.equal(more.verdict, 'full');
  t.same(more.volumes, { added: ['data'], removed: [], changed: [] });
});

await t.test('contents are told beside the verdict', async (t) => {
  const contents = [{ service: 'web', paths: ['conf/a'] }];
  const { verdict, contents: told } = compareModels(model({ web }), model({ web }), contents);
  t.equal(verdict, 'none');
  t.same(told, { web: ['conf/a'] });
});

await t.test('what cannot be read has no differences', async (t) => {
  const { verdict, services, errors } = invalidComparison('invalid-new', ['new: line 3']);
  t.equal(verdict, 'invalid-new');
  t.same(services.added, []);
  t.same(errors, ['new: line 3']);
});
