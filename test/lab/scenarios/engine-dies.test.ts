import t, { type Test } from 'tap';
import { identities, versions } from '../cluster-view.ts';
import { poll } from '../command.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { allAt, expectUpdate, startAndMeet, waitUntilIdle } from '../picture.ts';

await t.test('what Docker leaves behind is mended without a person', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);

  await t.test('dockerd killed, nothing under way: what it left ended is started', async (t) => {
    for (const _ of [1, 2, 3]) {
      await killDocker(host);
      await allServe(t, host, 'v1');
    }
  });

  await t.test('what a person stopped stays stopped', async (t) => {
    await host.run('docker', ['stop', 'knowledge'], { reject: true });
    await host.run('sleep', ['2']);
    await killDocker(host);
    await poll(async () => (await host.served(8082)) ?? undefined, {
      timeoutSeconds: 40,
      stepMs: 300,
    });
    await host.run('sleep', ['6']);
    t.equal(await host.served(8200), undefined);
    await host.run('docker', ['start', 'knowledge'], { reject: true });
    await host.waitHealthy();
  });

  await t.test('paused containers do not stop an update', async (t) => {
    await host.run('docker', ['pause', 'knowledge', 'autonomy-orchestrator'], { reject: true });
    // One goes on without Docker's knowledge, as after a containerd that was killed in the moment.
    const lines = [
      'id=$(docker inspect -f "{{.Id}}" autonomy-orchestrator)',
      'main() { systemctl show --property MainPID --value "$1"; }',
      // Docker hears of it now and then all the same.
      'for _ in 1 2 3 4 5; do',
      '  docker pause autonomy-orchestrator',
      '  kill -STOP "$(main docker)"',
      '  kill -KILL "$(main containerd)"',
      '  until ctr --namespace moby tasks ls >/dev/null 2>&1; do sleep 0.2; done',
      '  sleep 1; ctr --namespace moby tasks resume "$id"; sleep 1',
      '  kill -CONT "$(main docker)"; sleep 3',
      '  docker unpause autonomy-orchestrator 2>&1 | grep -q "resume a running process" && exit 0',
      'done; exit 1',
    ];
    await host.bash(lines.join('\n'), { reject: true, timeoutSeconds: 120 });
    const { orchestrator: before } = await identities(host);
    await host.pushCluster({ services: { knowledge: { tag: 'v2' } } });
    const said = await expectUpdate(t, host, 0);
    t.match(said, /unpause autonomy-orchestrator/);
    t.match(await versions(host), { 8082: 'v1', 8200: 'v2' });
    t.equal((await identities(host))['orchestrator'], before, 'neither stopped nor made anew');
    const state = ['inspect', '-f', '{{.State.Status}}', 'autonomy-orchestrator'];
    t.equal((await host.run('docker', state)).stdout, 'running');
  });

  await t.test('a container with a temporary name gets its own back', async (t) => {
    await host.run('docker', ['rename', 'knowledge', '0123456789ab_knowledge'], { reject: true });
    await host.pushCluster({ tag: 'v2' });
    await expectUpdate(t, host, 0);
    t.same(Object.keys(await identities(host)).length, 3);
    const names = (await host.containers()).map(({ name }) => name).toSorted();
    t.same(names, ['autonomy-orchestrator', 'knowledge', 'neurosync_s1']);
  });

  await t.test('a Docker that hangs for a while: the run waits, and goes on', async (t) => {
    await host.pushCluster({ tag: 'v3' });
    await startAndMeet(host, /verify the new release/);
    await host.bash('kill -STOP $(pidof dockerd)', { reject: true });
    await host.run('sleep', ['8']);
    await host.bash('kill -CONT $(pidof dockerd)', { reject: true });
    await waitUntilIdle(host);
    const rested = Object.values(await versions(host));
    t.equal(new Set(rested).size, 1, `one release: ${rested.join(', ')}`);
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v3'), 'nobody is blamed for it');
  });
});

/** Kills dockerd, and returns when the next one is ready. */
async function killDocker(host: InstalledHost): Promise<void> {
  const life = 'systemctl show docker.service --property=InvocationID --value';
  await host.run('systemctl', ['reset-failed'], { reject: true });
  const before = (await host.bash(life)).stdout;
  await host.bash('kill -9 $(pidof dockerd)', { reject: true });
  const script = `systemctl is-active docker.service && ${life}`;
  await poll(
    async () => {
      const { exitCode, stdout } = await host.bash(script);
      return exitCode === 0 && !stdout.includes(before) ? true : undefined;
    },
    { timeoutSeconds: 60, stepMs: 200 },
  );
}

async function allServe(t: Test, host: InstalledHost, version: string): Promise<void> {
  const served = await poll(
    async () => {
      const all = Object.values(await versions(host));
      return all.every((one) => one === version) ? all : undefined;
    },
    { timeoutSeconds: 60, stepMs: 300 },
  );
  if (!served) t.comment(await host.journal());
  t.ok(served, `every service says ${version} again`);
}
