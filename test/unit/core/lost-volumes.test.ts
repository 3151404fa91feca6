import t from 'tap';
import { keptVolumesOf } from '../../../src/core/mounts.ts';
import { clusterLookOf } from '../../../src/core/lost-volumes.ts';

const state = (there: string[], backedUp = ['db', 'files']): string =>
  clusterLookOf({ expected: ['db', 'files'], there: new Set(there), backedUp }).state;
const volume = (source: string) => ({ type: 'volume', source, target: '/data' });

await t.test('what has become of a cluster without containers', async (t) => {
  t.equal(state(['db', 'files', 'of another']), 'gone');
  t.equal(state([]), 'lost');
  t.equal(state(['db']), 'torn');
  t.equal(state([], ['db']), 'torn', 'no backup has all of them');
  t.equal(state([], []), 'torn');
  t.equal(clusterLookOf({ expected: [], there: new Set(), backedUp: [] }).state, 'gone');
});

await t.test('the volumes whose data Docker itself keeps', async (t) => {
  const model = {
    name: 'autonomy',
    services: { db: { volumes: [volume('db'), volume('nfs'), volume('own'), volume('plugin')] } },
    volumes: {
      db: {},
      nfs: { driver: 'local', driver_opts: { type: 'nfs' } },
      own: { name: 'shared', external: true },
      plugin: { driver: 'rexray' },
      unused: {},
    },
  };
  t.same(keptVolumesOf(model), ['autonomy_db', 'shared']);
});
