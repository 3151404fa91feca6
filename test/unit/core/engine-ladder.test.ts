import t from 'tap';
import type { EngineDiagnosis } from '../../../src/core/engine-diagnosis.ts';
import { LAST_RUNG, rungsFor, USUAL_RUNG } from '../../../src/core/engine-ladder.ts';
import type { RungName } from '../../../src/core/engine-rungs.ts';
import { down, failing, orphan, well } from '../../support/engine-diagnosis.ts';

const names = (
  diagnosis: EngineDiagnosis,
  tried: RungName[] = [],
  highest = USUAL_RUNG,
): RungName[] => rungsFor(diagnosis, tried, highest).map(({ name }) => name);

await t.test('what can help, the least first', async (t) => {
  t.same(names(well), []);
  t.same(names(down), ['start']);
  t.same(names(down, ['start']), []);
  const bad = { ...down, configProblem: 'invalid character' };
  t.same(names(bad), ['restore-config']);
  t.same(names({ ...bad, hasGoodConfig: false }), []);
  t.same(names(failing({ api: '' }, { socket: 'missing' })), ['renew-socket', 'kill-dockerd']);
  t.same(names(failing({ api: 'no answer within 3 s' })), ['kill-dockerd']);
  const shim = failing({ container: 'unsupported shim version (3)' });
  t.same(names(shim), ['restart-containerd', 'restart-docker']);
  t.same(
    names(failing({ container: 'x' }, { doesContainerdAnswer: false }))[0],
    'restart-containerd',
  );
  t.same(names(failing({ container: 'write /x: no space left on device' })), []);
  // A hung containerd makes Docker hang; one that is away keeps it from starting.
  for (const broken of [failing({ api: '' }), down])
    t.same(names({ ...broken, doesContainerdAnswer: false }), ['restart-containerd']);
  t.same(names(failing({ ports: 'nobody' })), ['restart-docker']);
  t.same(names(failing({ tasks: '' }, { orphans: [orphan] })), ['end-orphans']);
  t.same(names(failing({ ports: '', tasks: '' }, { orphans: [orphan] }), [], 7), [
    'restart-docker',
  ]);
  t.same(names({ ...well, halfInstalled: ['docker.io'] }), ['finish-packages']);
});

await t.test('the highest only where they are named, each for what it is for', async (t) => {
  const all = (diagnosis: EngineDiagnosis, tried: RungName[] = []): RungName[] =>
    names(diagnosis, tried, LAST_RUNG);
  const root = { ...down, isRootAtFault: true };
  t.same(names(root, ['start']), []);
  t.same(all(root, ['start']), ['renew-root', 'reboot']);
  t.same(all(root, ['start', 'renew-root']), ['reinstall', 'reboot']);
  t.same(all({ ...root, clusterHindrance: 'on hold' }, ['start']), ['reboot']);
  t.same(all(down, ['start']), ['reboot'], 'what it keeps is not touched without a reason');
  const damaged = { ...root, damagedPackages: ['docker.io'] };
  t.same(all(damaged, ['start']), ['reinstall', 'reboot'], 'another dockerd may read it well');
  t.same(all({ ...well, damagedPackages: ['docker.io'] }), [], 'it works');
  const lost = { ...well, cluster: 'lost' } as const;
  t.same(names(lost), [], 'never an empty cluster in the place of one with data');
  t.same(all(lost), ['restore']);
  t.same(all({ ...lost, clusterHindrance: 'on hold' }), []);
  const torn = { ...well, cluster: 'torn', lostVolumes: ['db'] } as const;
  t.same(all(torn), [], 'some volumes that are older than the others');
});

await t.test('a cluster that Docker does not know any more', async (t) => {
  const gone = { ...well, cluster: 'gone' } as const;
  t.same(names(gone), ['bring-up']);
  t.same(names({ ...gone, clusterHindrance: 'on hold' }), []);
  t.same(names({ ...failing({ container: 'x' }), cluster: 'gone' }), ['restart-docker']);
});

await t.test('a full disk', async (t) => {
  const full = failing({ container: 'x' }, { disk: 'full' });
  t.same(names(full), [], 'a restart makes no room');
  t.same(names({ ...full, disk: 'room' }), ['make-room']);
  t.same(names({ ...full, disk: 'room' }, ['make-room']), []);
  t.same(names({ ...down, disk: 'room' }), ['make-room', 'start']);
});
