import t from 'tap';
import { poll, sleep } from '../command.ts';
import { startInstalled } from '../installed-host.ts';
import { startTimer, timer } from '../timer.ts';

await t.test('the timer updates, until it is stopped', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const isActive = async (unit: string): Promise<string> =>
    (await host.run('systemctl', ['is-active', unit])).stdout;

  t.equal(await isActive(timer), 'inactive', '--no-timer');
  const release = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });
  await startTimer(host, 5);

  await t.test('it fires and the release is served', async (t) => {
    const head = await poll(
      async () => {
        const inactive = (await isActive('orchestrator-update.service')) === 'inactive';
        return inactive && (await host.head()) === release ? release : undefined;
      },
      { timeoutSeconds: 40, stepMs: 300 },
    );
    t.equal(head, release);
    t.match(await host.served(8082), { version: 'v2' });
    t.match(await host.unit(), { exitStatus: 0, result: 'success' });
    t.match(await host.journal(), /updated from [0-9a-f]{12} to [0-9a-f]{12} and verified/);
    const { stdout: due } = await host.run('systemctl', ['list-timers', '--no-legend', timer]);
    t.match(due, /orchestrator-update\.service/, 'the next run is due');
  });

  await t.test('outside of the maintenance window it is held; by hand it is not', async (t) => {
    const closed = new Date(Date.now() + 12 * 3600_000).toISOString().slice(11, 13);
    const file = '/etc/orchestrator-update/update_config.yaml';
    const usual = await host.readFile(file);
    const window = `schedule:\n  windows: [{from: "${closed}:00", to: "${closed}:30"}]\n`;
    await host.writeFile(file, `${usual}\n${window}`, { mode: '0600', owner: 'root:root' });
    const waiting = await host.pushCluster({ services: { orchestrator: { tag: 'v4' } } });
    const held = await poll(
      async () =>
        /held: .*outside of the maintenance window/.test(await host.journal()) ? 1 : undefined,
      { timeoutSeconds: 20, stepMs: 300 },
    );
    t.ok(held, 'the timer is held');
    t.equal(await host.head(), release);
    t.match((await host.cli('status')).stdout, /^held\toutside of the maintenance window/m);
    // One of the timer may be under way, every few seconds here.
    const taken = await poll(
      async () => {
        const { exitCode } = await host.cli('run');
        return exitCode === 0 && (await host.head()) === waiting ? true : undefined;
      },
      { timeoutSeconds: 40, stepMs: 700 },
    );
    t.ok(taken, 'orchestrator-update run, by hand, is not kept back');
    await host.writeFile(file, usual, { mode: '0600', owner: 'root:root' });
    const last = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });
    const back = await poll(async () => ((await host.head()) === last ? true : undefined), {
      timeoutSeconds: 40,
      stepMs: 300,
    });
    t.ok(back, 'without a window the timer goes on');
  });

  await t.test('stopped, a further release waits', async (t) => {
    await host.run('systemctl', ['stop', timer], { reject: true });
    await poll(
      async () =>
        (await isActive('orchestrator-update.service')) === 'inactive' ? true : undefined,
      { timeoutSeconds: 20, stepMs: 200 },
    );
    const waiting = await host.pushCluster({ services: { orchestrator: { tag: 'v3' } } });
    const journal = await host.journal();
    await sleep(11_000);
    t.equal(await host.journal(), journal, 'the service was not started');
    t.match(await host.served(8082), { version: 'v2' });
    t.not(await host.head(), waiting);
    t.equal((await host.cli('check')).exitCode, 10, 'check says that a release waits');

    t.equal((await host.update()).exitCode, 0, 'by hand it still comes');
    t.equal(await host.head(), waiting);
    t.match(await host.served(8082), { version: 'v3' });
  });
});
