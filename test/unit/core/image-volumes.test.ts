import t from 'tap';
import { imageVolumeRisks, withImageVolumes } from '../../../src/core/image-volumes.ts';
import type { Service } from '../../../src/core/compose-model.ts';
import { makePlan } from '../../../src/core/plan.ts';
import { model, planInput } from '../../support/builders.ts';

const OLD = '/var/lib/postgresql/data';
const NEW = '/var/lib/postgresql';
const mounting = { volumes: [{ type: 'volume', source: 'data', target: OLD }] };
const risks = (service: Service, before: string[], after: string[]) =>
  imageVolumeRisks(model({}), service, { before, after });

await t.test('an image that keeps its data elsewhere is dangerous, mounted or not', async (t) => {
  for (const service of [mounting, {}]) {
    t.match(risks(service, [OLD], [NEW]), [
      { risk: 'dangerous', why: `its image keeps data in ${NEW}, and no longer in ${OLD}` },
    ]);
  }
});

await t.test(
  'one that declares no volume any more leaves what is not mounted by name',
  async (t) => {
    t.match(risks({}, [OLD], []), [{ risk: 'dangerous', why: /left behind/ }]);
    t.match(risks(mounting, [OLD], []), [{ risk: 'look', why: /stays/ }]);
  },
);

await t.test('the same, or one more, is safe', async (t) => {
  t.same(risks({}, [OLD, '/x'], ['/x', OLD]), []);
  t.same(risks({}, [], [NEW]), []);
});

await t.test('a plan says it at once where both images are here, and once', async (t) => {
  const [before, after] = ['db:1', 'db:2'].map((image) => model({ db: { image } })) as [
    ReturnType<typeof model>,
    ReturnType<typeof model>,
  ];
  const imageVolumes = { db: { before: [OLD], after: [NEW] } };
  const late = withImageVolumes(makePlan(planInput(before, after)), after, imageVolumes);
  t.match(late, { risk: 'dangerous', risks: [{ subject: 'service db', why: /keeps data in/ }] });
  const known = makePlan(planInput(before, after, { imageVolumes }));
  t.match(known.services, [{ service: 'db', action: 'recreate', risk: 'dangerous' }]);
  t.same(known.risks, late.risks);
  t.same(withImageVolumes(known, after, imageVolumes).risks, known.risks);
});
