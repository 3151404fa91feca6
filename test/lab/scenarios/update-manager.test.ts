import t, { type Test } from 'tap';
import { containerOf, identities, versions } from '../cluster-view.ts';
import { poll } from '../command.ts';
import { hookCalls } from '../control-host.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { activeFile, allAt, backupsOf, hasFile } from '../picture.ts';
import {
  makeBaseImage,
  managerLogs,
  managerService,
  signalManager,
  startManager,
  waitForLogs,
} from '../update-manager.ts';

const configFile = '/etc/orchestrator-update/update_config.yaml';

const end = async (host: InstalledHost): Promise<number> => (await managerLogs(host)).length;

/** Has a run begin now, and returns what it says until it has ended. */
async function runNow(host: InstalledHost, ends = /exitCode=\d+/): Promise<string> {
  const since = await end(host);
  await signalManager(host, 'USR1');
  return waitForLogs(host, ends, { since });
}

async function manager(host: InstalledHost): Promise<string> {
  const format = '{{.Id}} {{.State.StartedAt}} {{.State.Status}} {{.State.ExitCode}}';
  return (await host.run('docker', ['inspect', '-f', format, 'update_manager'])).stdout;
}

async function expectSame(t: Test, host: InstalledHost, before: string): Promise<void> {
  t.equal(await manager(host), before, 'the update manager itself was not touched');
}

await t.test('the update manager in a container', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await makeBaseImage(host);
  const path = `${host.name}/s3cret-${Date.now()}`;
  const WEBHOOK_URL = `http://hook.lab:9000/${path}`;

  await t.test('in its interval it follows the branch', async (t) => {
    await startManager(host, { UPDATE_INTERVAL: '3' });
    await waitForLogs(host, /update manager: updates of autonomy .*every 3 s[^]*result=nothing/);
    const before = await manager(host);
    await host.pushCluster({ tag: 'v2' });
    const said = await waitForLogs(host, /updated from/);
    t.match(said, /paused: knowledge, neurosync_s1, orchestrator/, 'a backup with the data');
    t.same(await versions(host), allAt('v2'));
    t.equal((await backupsOf(host)).length, 1, 'where those of the host are');
    await expectSame(t, host, before);
    t.match((await host.cli('status')).stdout, /^held\tno$/m, 'the host knows of it');
    t.match(await host.cli('watch'), { exitCode: 11, stderr: /another update manager is at work/ });
  });

  await t.test('AUTO_UPDATE=false: it only tells, WEBHOOK_URL too', async (t) => {
    await startManager(host, { UPDATE_INTERVAL: '3600', AUTO_UPDATE: 'false', WEBHOOK_URL });
    await waitForLogs(host, /tells of updates of autonomy[^]*result=nothing/);
    await host.pushCluster({ tag: 'v3' });
    const before = await identities(host);
    t.match(
      await runNow(host),
      /SIGUSR1: a run is asked for[^]*an update is available: .*exitCode=10/,
    );
    t.same(await identities(host), before);
    t.same(await versions(host), allAt('v2'));
    // Delivered once the run is over.
    const calls = await poll(
      async () => {
        const all = await hookCalls(path);
        return all.length > 0 ? all : undefined;
      },
      { timeoutSeconds: 20, stepMs: 200 },
    );
    const told = (calls ?? []).map(({ body }) => JSON.parse(body));
    t.match(told, [{ event: 'waiting', project: 'autonomy' }]);
    const processes = (await host.run('ps', ['-eo', 'args'])).stdout;
    t.notMatch((await managerLogs(host)) + processes, /s3cret/, 'it may be a secret');
    const inside = ['exec', 'update_manager', 'orchestrator-update'];
    const repair = await host.run('docker', [...inside, 'engine', 'repair']);
    t.match(repair, { exitCode: 1, stderr: /on the host itself, not in a container/ });
    const list = ['exec', 'update_manager', 'ps', '-eo', 'stat,args'];
    const isTidy = async (): Promise<true | undefined> => {
      const { stdout } = await host.run('docker', list, { reject: true });
      return /defunct|run --auto/.test(stdout) ? undefined : true;
    };
    t.ok(await poll(isTidy, { timeoutSeconds: 10, stepMs: 200 }), 'orphans are seen off');
  });

  await t.test('SIGHUP: a good configuration counts, a bad one does not', async (t) => {
    const good = await host.readFile(configFile);
    const mode = { mode: '0600', owner: 'root:root' };
    await host.writeFile(configFile, 'brnch: x\n', mode);
    let since = await end(host);
    await signalManager(host, 'HUP');
    await waitForLogs(host, /stays as it was: .*unknown key brnch/, { since });
    t.match(await runNow(host), /an update is available/, 'it goes on with the old one');
    await host.writeFile(
      configFile,
      `${good}\nschedule: {freezes: [{from: 2020-01-01, to: 2099-01-01}]}\n`,
      mode,
    );
    since = await end(host);
    await signalManager(host, 'HUP');
    await waitForLogs(host, /the configuration was read anew/, { since });
    t.match(await runNow(host), /held: .*frozen/);
    await host.writeFile(configFile, good, mode);
  });

  await t.test('docker stop in the middle of an update: it is taken back first', async (t) => {
    await host.pushCluster({ tag: 'v4', services: { knowledge: { startDelaySeconds: 20 } } });
    await startManager(host, { UPDATE_INTERVAL: '3600' });
    await waitForLogs(host, /verify the new release/);
    t.ok(await hasFile(host, activeFile), 'in the middle');
    await host.run('docker', ['stop', 'update_manager'], { timeoutSeconds: 90, reject: true });
    t.match(await manager(host), / exited 0$/);
    t.notOk(await hasFile(host, activeFile));
    t.same(await versions(host), allAt('v2'));
    t.match(await managerLogs(host), /SIGTERM: leaving[^]*(rolled back|taken back)/);
  });

  await t.test('the timer of the host is enabled: it refuses', async (t) => {
    await host.pushCluster({ tag: 'v2', services: { knowledge: { tag: 'v3' } } });
    await host.run('docker', ['start', 'update_manager']);
    await waitForLogs(host, /updated from .*v2 → .*v3/);
    const since = await end(host);
    await host.run('systemctl', ['enable', 'orchestrator-update.timer'], { reject: true });
    await signalManager(host, 'USR1');
    const said = await waitForLogs(host, /next: .*disable --now orchestrator-update\.timer/, {
      since,
    });
    t.match(said, /updates the cluster already: orchestrator-update\.timer is enabled/);
    t.match(await host.cli('watch'), { exitCode: 1, stderr: /timer is enabled/ });
    await host.run('systemctl', ['disable', 'orchestrator-update.timer'], { reject: true });
    await waitForLogs(host, /result=nothing/, { since });
  });

  await t.test('its own service in the project changes, and goes: it is left alone', async (t) => {
    await host.run('docker', ['rm', '-f', 'update_manager'], { reject: true });
    const environment = { UPDATE_INTERVAL: '3600' };
    const release = (tag: string, more: Record<string, string>) => ({
      tag,
      services: { update_manager: managerService({ ...environment, ...more }) },
      volumes: { update_manager_data: null },
    });
    await host.pushCluster(release('v2', {}));
    const brought = await host.cli('run', '--set', 'policy.dangerous=apply');
    t.equal(brought.exitCode, 0, brought.stderr);
    // The run that brought it has the lock at first.
    await runNow(host, /result=nothing/);
    const before = await manager(host);
    const { id } = await containerOf(host, 'update_manager');

    await host.pushCluster(release('v3', { TZ: 'Europe/Berlin' }));
    const changed = await runNow(host, /updated from/);
    t.match(
      changed,
      /warn service update_manager is the update manager .*left as it is.*up -d update_manager/,
    );
    t.notMatch(changed, /paused: .*update_manager/, 'nor was it paused for the backup');
    t.same(await versions(host), allAt('v3'));
    await expectSame(t, host, before);
    t.match(await runNow(host), /result=nothing/, 'and that is the end of it');

    await host.pushCluster({ tag: 'v2' });
    const gone = await runNow(host, /updated from/);
    t.match(gone, /the release has no service update_manager.*docker rm --force update_manager/);
    t.same(await versions(host), allAt('v2'));
    await expectSame(t, host, before);
    t.equal((await containerOf(host, 'update_manager')).id, id);
  });
});
