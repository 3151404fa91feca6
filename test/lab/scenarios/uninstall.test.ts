import t from 'tap';
import { identities, startsIn, versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';

const backups = '/home/geo/operation/backups';
const config = '/etc/orchestrator-update/update_config.yaml';
const state = '/var/lib/orchestrator-update';

await t.test('uninstalled, and what remains', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const install = (...args: string[]) =>
    host.run('./install/install_update_service.sh', args, {
      cwd: '/root/orchestrator-update',
      timeoutSeconds: 120,
    });
  const isThere = async (path: string): Promise<boolean> =>
    (await host.run('test', ['-e', path])).exitCode === 0;
  const ourFiles = async (): Promise<string> => {
    const places = [
      '/etc',
      '/usr/local',
      '/var/cache',
      '/var/lib/systemd',
      '/run/systemd/transient',
    ];
    const named = ['-name', '*orchestrator-update*', '-print'];
    return (await host.run('find', [...places, ...named])).stdout;
  };

  await host.run('systemctl', ['enable', '--now', 'orchestrator-update.timer'], { reject: true });
  const second = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });
  t.equal((await host.update()).exitCode, 0);
  const running = await identities(host);
  const written = await host.readFile(config);
  const kept = (await host.run('ls', [backups])).stdout;
  t.match(kept, /^\d{8}T\d{6}Z-[0-9a-f]{8}\nlatest$/);

  await t.test('what --dry-run would remove stays', async (t) => {
    const files = await ourFiles();
    const dry = await install('--uninstall', '--purge', '--dry-run');
    t.match(dry, { exitCode: 0, stdout: /would remove \/usr\/local\/sbin\/orchestrator-update/ });
    t.equal(await ourFiles(), files);
    t.ok(await isThere(state));
    const timer = await host.run('systemctl', ['is-active', 'orchestrator-update.timer']);
    t.equal(timer.stdout, 'active');
  });

  await t.test('the cluster keeps running; configuration, state and backups stay', async (t) => {
    const done = await install('--uninstall');
    t.equal(done.exitCode, 0, done.stderr);
    t.match(done.stdout, /kept: backups in \/home\/geo\/operation\/backups; the cluster keeps/);
    t.same(await identities(host), running);
    t.match(await versions(host), { 8082: 'v2', 5001: 'v1', 8200: 'v1' });
    t.equal(await ourFiles(), '/etc/orchestrator-update', 'nothing else of ours is left');
    const units = await host.run('systemctl', ['list-unit-files', '--no-legend', 'orchestrator-*']);
    t.equal(units.stdout, '');
    const timers = await host.run('systemctl', ['list-timers', '--all', '--no-legend']);
    t.notMatch(timers.stdout, /orchestrator-update/);
    t.equal(await host.readFile(config), written);
    t.equal((await host.run('ls', [backups])).stdout, kept);
    t.ok(await isThere(`${state}/deployed.json`));
    t.equal((await install('--uninstall')).exitCode, 0, 'and again');
  });

  await t.test('the recipe by hand brings the release of the backup', async (t) => {
    const starts = await startsIn(host, 'orchestrator_data');
    const recipe = `cd ${backups}/latest/autonomy && docker compose down && docker compose up -d`;
    const done = await host.bash(recipe, { user: 'geo', timeoutSeconds: 120 });
    t.equal(done.exitCode, 0, done.stderr);
    await host.waitHealthy();
    t.same(await versions(host), { 8082: 'v1', 5001: 'v1', 8200: 'v1' });
    t.match(await host.served(8200), { greeting: 'hello', config: 'level: info' });
    t.same((await startsIn(host, 'orchestrator_data')).slice(0, starts.length), starts);
    t.equal(await host.head(), second, 'the work tree is where it was');
  });

  await t.test('installed again it goes on where it was, from the live tree', async (t) => {
    const done = await install('--no-timer');
    t.equal(done.exitCode, 0, done.stderr);
    t.equal(await host.readFile(config), written, 'with its old configuration');
    const third = await host.pushCluster({ services: { orchestrator: { tag: 'v3' } } });
    const { exitCode } = await host.update();
    if (exitCode !== 0) t.comment(await host.journal());
    t.equal(exitCode, 0);
    t.equal(await host.head(), third);
    t.same(await versions(host), { 8082: 'v3', 5001: 'v1', 8200: 'v1' });
    for (const { name, labels } of await host.containers()) {
      const directory = labels['com.docker.compose.project.working_dir'];
      t.equal(directory, host.projectDir, `${name} is run from the live tree`);
    }
  });

  await t.test('--purge removes configuration and state, never backups', async (t) => {
    const before = (await host.run('ls', [backups])).stdout;
    const now = await identities(host);
    t.equal((await install('--uninstall', '--purge')).exitCode, 0);
    t.equal(await ourFiles(), '');
    t.notOk(await isThere(state));
    t.equal((await host.run('ls', [backups])).stdout, before);
    t.equal(before.split('\n').length, 3, 'two of them, and latest');
    t.same(await identities(host), now);
  });
});
