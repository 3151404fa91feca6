/** `npm run engines`: new engines that fail in every way, and what an upgrade costs; half an hour. */
import t from 'tap';
import type { BrokenKind } from '../engine-packages.ts';
import { change, expectEngine, OLD, offer, processes, startForUpgrade } from '../engine-upgrade.ts';
import { waitUntilIdle } from '../picture.ts';

const host = await startForUpgrade();
t.teardown(() => host.destroy());

/** What is said of each; whether the containers can have run on. */
const kinds: readonly [kind: BrokenKind, said: RegExp, runOn: boolean][] = [
  ['refuses-config', /refuses daemon\.json: .*live-restore/, true],
  ['exits', /restart docker|docker\.service/, true],
  ['hangs', /did not end within|restart docker/, true],
  ['other-driver', /the storage driver is vfs instead of overlay2/, false],
  ['no-shim', /shim/, false],
];

for (const [kind, reason, runOn] of kinds) {
  await t.test(`${kind}: taken back`, async (t) => {
    await offer(host, kind);
    const before = await processes(host);
    const startedAt = performance.now();
    const { exitCode, outcome, said } = await change(host, 'upgrade');
    t.comment(`${kind}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    t.equal(exitCode, 12, said);
    t.match(outcome.problems.join(), reason);
    await expectEngine(t, host, OLD);
    if (runOn) t.equal(await processes(host), before, 'no container was restarted');
    // The recovery that is started with Docker has the lock for a moment.
    await waitUntilIdle(host);
    t.equal((await host.cli('run')).exitCode, 0);
  });
}

await t.test('new-api: a client that is not understood any more', async (t) => {
  await offer(host, 'new-api');
  await host.bash(
    `docker run --detach --name old-client --env DOCKER_API_VERSION=1.25 \
       --volume /var/run/docker.sock:/var/run/docker.sock registry.lab:5000/knowledge:v1`,
    { reject: true },
  );
  const { exitCode, outcome, said } = await change(host, 'upgrade');
  t.equal(exitCode, 12, said);
  t.match(outcome.problems.join(), /container old-client speaks API 1\.25, .* only 1\.44/);
  t.equal((await host.bash("docker inspect -f '{{.State.Status}}' old-client")).stdout, 'running');
  await host.bash('docker rm --force old-client');
  await expectEngine(t, host, OLD);
});
