import t from 'tap';
import { filesOf, identities, versions } from '../cluster-view.ts';
import { type LabHost, startHost } from '../lab-host.ts';

const checkout = '/root/orchestrator-update';
const config = '/etc/orchestrator-update/update_config.yaml';
const program = '/usr/local/lib/orchestrator-update';
const timer = 'orchestrator-update.timer';

const install = (host: LabHost, args: string[] = [], user = 'root') =>
  host.run(`${checkout}/install/install_update_service.sh`, args, { timeoutSeconds: 120, user });

await t.test('installed from nothing', async (t) => {
  const host = await startHost();
  t.teardown(() => host.destroy());
  await host.copyRelease();
  const running = await identities(host);
  const systemctl = async (...args: string[]): Promise<string> =>
    (await host.run('systemctl', args)).stdout;
  const enabled = (): Promise<string> => systemctl('is-enabled', timer);

  await t.test('--dry-run changes nothing', async (t) => {
    const before = await filesOf(host);
    const dry = await install(host, ['--dry-run']);
    t.equal(dry.exitCode, 0, dry.stderr);
    t.match(dry.stdout, /would install the program into \/usr\/local\/lib\/orchestrator-update\//);
    t.match(dry.stdout, /would run: systemctl enable --now orchestrator-update\.timer/);
    t.match(dry.stdout, /Nothing was changed\.$/);
    t.same(await filesOf(host), before);
  });

  await t.test('the first time', async (t) => {
    const done = await install(host);
    t.equal(done.exitCode, 0, done.stderr);
    t.match(done.stdout, /Installed orchestrator-update \d+\.\d+\.\d+/);
    const [, doctor = ''] = done.stdout.split('Now orchestrator-update doctor:');
    for (const subject of ['git repository', 'docker compose', 'http://localhost:8200/health']) {
      t.match(doctor, new RegExp(`✓ +${subject}|ok +${subject}`), `doctor: ${subject}`);
    }
    t.match(doctor, /What next:\n.*orchestrator-update plan/);
    t.notMatch(done.stderr, /warning|error/);
    t.equal(await enabled(), 'enabled');
    t.equal(await systemctl('is-active', timer), 'active');
    t.equal(await systemctl('is-enabled', 'orchestrator-update-recover.service'), 'enabled');
    t.equal(await systemctl('is-active', 'orchestrator-update.service'), 'inactive', 'not at once');
    const modes = ['-c', '%a %U %n', config, '/var/lib/orchestrator-update'];
    t.equal(
      (await host.run('stat', modes)).stdout,
      `600 root ${config}\n700 root /var/lib/orchestrator-update`,
    );
    t.equal(
      (await host.run('/usr/local/sbin/orchestrator-update', ['config', 'check'])).exitCode,
      0,
    );
    t.equal((await host.run('/usr/local/sbin/orchestrator-update', ['doctor'])).exitCode, 0);
    t.same(await identities(host), running, 'the cluster was not touched');
  });

  await t.test('again it keeps what the administrator set', async (t) => {
    const quick = 'health:\n  stable_seconds: 3\n';
    const edited = `${await host.readFile(config)}# ours\n`.replace('health:\n', quick);
    t.ok(edited.includes(quick));
    await host.writeFile(config, edited, { mode: '0600' });
    await host.run('systemctl', ['disable', '--now', timer], { reject: true });
    const again = await install(host, ['--branch', 'another']);
    t.equal(again.exitCode, 0);
    t.equal(await host.readFile(config), edited);
    t.match(again.stderr, /is kept: it says branch: embody-alpha, you asked for another/);
    t.equal(await enabled(), 'disabled');
    t.equal(await systemctl('is-active', timer), 'inactive');
    t.match(again.stdout, /kept the timer as it is: disabled/);
  });

  await t.test('another version takes its place, the old one is kept beside it', async (t) => {
    const old = (await host.run('readlink', [`${program}/current`])).stdout;
    await host.writeFile(`${checkout}/dist/VERSION`, '99.0.0\n');
    t.equal((await install(host)).exitCode, 0);
    t.equal((await host.run('readlink', [`${program}/current`])).stdout, '99.0.0');
    const { stdout: versionsThere } = await host.run('ls', [program]);
    t.same(versionsThere.split('\n').toSorted(), [old, '99.0.0', 'current'].toSorted());
    t.equal(await enabled(), 'disabled', 'the timer is still as it was set');
  });

  await t.test('it needs neither the checkout nor a Node of the host', async (t) => {
    await host.run('rm', ['-r', checkout], { reject: true });
    t.match(await host.bash('command -v node npm'), { exitCode: 1, stdout: '' });
    const commit = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });
    t.match(await host.run('systemctl', ['start', 'orchestrator-update']), { exitCode: 0 });
    t.same(await versions(host), { 8082: 'v2', 5001: 'v1', 8200: 'v1' });
    const head = await host.run('git', ['rev-parse', 'HEAD'], { user: 'geo', cwd: host.workTree });
    t.equal(head.stdout, commit);
  });
});
