import t from 'tap';
import { certainIn } from '../../../src/core/engine-certain.ts';
import { differencesOf, type EngineView } from '../../../src/core/engine-transaction.ts';

const shim =
  'container: Docker refused to start a new container: failed to create task for container: failed to start shim: failed to resolve runtime path: runtime "io.containerd.runc.v2" binary not installed "containerd-shim-runc-v2": file does not exist: unknown';

const view: EngineView = {
  version: '28.5.2',
  oldestApi: '1.24',
  storageDriver: 'overlay2',
  imageStore: 'docker',
  liveRestore: true,
  isSwarm: false,
  containers: [{ id: 'a', name: 'db', pid: 9, startedAt: '', health: 'healthy', isDone: false }],
  networks: ['shop_default'],
  volumes: [],
};

await t.test('what no waiting mends', async (t) => {
  const other = {
    ...view,
    storageDriver: 'vfs',
    imageStore: 'containerd',
    containers: [],
  } as const;
  const problems = differencesOf(view, { ...other, networks: [] }, { mayRestart: true });
  t.equal(problems.length, 4);
  t.same(certainIn(problems), problems);
  const misfits = [shim, 'container: unsupported shim version (3): not implemented'];
  misfits.push('container: exec: "containerd-shim-runc-v2": executable file not found in $PATH');
  t.same(certainIn(misfits), misfits);
});

await t.test('what a host that is slow may say for a while', async (t) => {
  const [db] = view.containers;
  const slow = { ...view, containers: [{ ...db!, pid: 0 }] };
  const sick = { ...view, containers: [{ ...db!, health: 'unhealthy' }] };
  for (const problem of [
    ...differencesOf(view, slow, { mayRestart: true }),
    ...differencesOf(view, sick, { mayRestart: true }),
    'api: no answer from /run/docker.sock',
    'container: what was run in a new container did not end within 20 s',
    'container: Docker refused to start a new container: containerd-shim did not answer in time',
    'ports: 127.0.0.1:8200 (knowledge) does not answer',
    'tasks: Docker does not know what runs: 0123456789ab (process 7)',
    'container old-client speaks API 1.25, and the engine only 1.44 or newer',
  ]) {
    t.same(certainIn([problem]), [], problem);
  }
});

await t.test('of a dockerd that is not the one that is meant, nothing is certain', async (t) => {
  const one = 'the storage driver is vfs instead of overlay2';
  t.same(certainIn([one]), [one]);
  t.same(certainIn(['dockerd 28.5.2 runs instead of 26.1.5', one]), []);
});
