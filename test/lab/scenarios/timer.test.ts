import t from 'tap';
import { poll, sleep } from '../command.ts';
import { startInstalled } from '../installed-host.ts';

const timer = 'orchestrator-update.timer';
/** Ten starts of the service in ten minutes are allowed: not more often than needed. */
const everySeconds = 5;

await t.test('the timer updates, until it is stopped', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const isActive = async (unit: string): Promise<string> =>
    (await host.run('systemctl', ['is-active', unit])).stdout;

  t.equal(await isActive(timer), 'inactive', '--no-timer');
  const dropIn = [
    '[Timer]',
    'OnCalendar=',
    `OnCalendar=*:*:0/${everySeconds}`,
    'RandomizedDelaySec=0',
    '',
  ];
  const path = `/etc/systemd/system/${timer}.d/50-lab.conf`;
  await host.writeFile(path, dropIn.join('\n'));
  await host.run('systemctl', ['daemon-reload'], { reject: true });
  const release = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });
  await host.run('systemctl', ['start', timer], { reject: true });

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

  await t.test('stopped, a further release waits', async (t) => {
    await host.run('systemctl', ['stop', timer], { reject: true });
    await poll(
      async () =>
        (await isActive('orchestrator-update.service')) === 'inactive' ? true : undefined,
      { timeoutSeconds: 20, stepMs: 200 },
    );
    const waiting = await host.pushCluster({ services: { orchestrator: { tag: 'v3' } } });
    const journal = await host.journal();
    await sleep((everySeconds * 2 + 1) * 1000);
    t.equal(await host.journal(), journal, 'the service was not started');
    t.match(await host.served(8082), { version: 'v2' });
    t.equal(await host.head(), release);
    t.equal((await host.cli('check')).exitCode, 10, 'check says that a release waits');

    t.equal((await host.update()).exitCode, 0, 'by hand it still comes');
    t.equal(await host.head(), waiting);
    t.match(await host.served(8082), { version: 'v3' });
  });
});
