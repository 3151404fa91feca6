import t from 'tap';
import type { EngineApi } from '../../../src/host/engine-api.ts';
import { listHostContainers } from '../../../src/host/host-containers.ts';

const listed = [
  {
    Id: 'a',
    Names: ['/other/db', '/shop-db-1'],
    Image: 'db:1',
    Labels: { x: '1' },
    State: 'running',
  },
  { Id: 'b', Names: ['/tower'], Image: `sha256:${'0'.repeat(64)}`, Labels: {}, State: 'paused' },
  { Id: 'c', Names: null, Image: 'containrrr/watchtower', Labels: null, State: 'exited' },
];
const tower = {
  Config: {
    Image: 'nickfedor/watchtower:1',
    Entrypoint: ['/watchtower'],
    Cmd: ['--scope', 'a'],
    Env: ['WATCHTOWER_CLEANUP=true'],
  },
};

await t.test('only what may be a Watchtower is looked at closely', async (t) => {
  const asked: string[] = [];
  const api: EngineApi = async (_method, path) => {
    asked.push(path);
    if (path === '/containers/json?all=true') return { status: 200, body: listed };
    return path === '/containers/b/json'
      ? { status: 200, body: tower }
      : { status: 404, body: { message: 'gone' } };
  };
  t.same(await listHostContainers(api), [
    {
      id: 'a',
      name: 'shop-db-1',
      image: 'db:1',
      labels: { x: '1' },
      state: 'running',
      command: [],
      environment: [],
    },
    {
      id: 'b',
      name: 'tower',
      image: 'nickfedor/watchtower:1',
      labels: {},
      state: 'paused',
      command: ['/watchtower', '--scope', 'a'],
      environment: ['WATCHTOWER_CLEANUP=true'],
    },
    {
      id: 'c',
      name: 'c',
      image: 'containrrr/watchtower',
      labels: {},
      state: 'exited',
      command: [],
      environment: [],
    },
  ]);
  t.same(asked.toSorted(), [
    '/containers/b/json',
    '/containers/c/json',
    '/containers/json?all=true',
  ]);
});
