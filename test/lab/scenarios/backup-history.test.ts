import t from 'tap';
import { versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';
import { allAt, expectUpdate } from '../picture.ts';

const backups = '/home/geo/operation/backups';
const config = '/etc/orchestrator-update/update_config.yaml';
const passwordFile = '/etc/orchestrator-update/history-password';

await t.test('a history of backups on another disk', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  const usual = await host.readFile(config);
  const set = async (more = ''): Promise<void> => {
    const keys = [
      '  history:',
      '    repository: /srv/history',
      `    password_file: ${passwordFile}`,
    ];
    const text = usual.replace(/^ {2}keep: .*$/m, `$&\n${keys.join('\n')}${more}`);
    await host.writeFile(config, text, { mode: '0600', owner: 'root:root' });
  };
  const password = (text: string): Promise<void> =>
    host.writeFile(passwordFile, `${text}\n`, { mode: '0600', owner: 'root:root' });
  await set();
  await password('s3cret-of-the-history');
  // The sandbox of the service lets it write there.
  const again = await host.run('./install/install_update_service.sh', ['--no-timer'], {
    cwd: '/root/orchestrator-update',
    timeoutSeconds: 120,
  });
  t.equal(again.exitCode, 0, again.stderr);

  await t.test('each backup before an update is added to it', async (t) => {
    await host.pushCluster({ tag: 'v2' });
    const said = await expectUpdate(t, host, 0);
    t.match(said, /in the history as [0-9a-f]{8}: \d+ MB more/);
    t.match(said, /the history of backups was begun: keep its password elsewhere/);
    t.notMatch(said, /s3cret/);
    await host.pushCluster({ tag: 'v3' });
    t.notMatch(await expectUpdate(t, host, 0), /was begun/);
  });

  await t.test('and can be restored from it alone', async (t) => {
    const { stdout } = await host.cli('backup', 'history', '--json');
    const [newest, first] = JSON.parse(stdout) as { snapshot: string; name: string }[];
    t.ok(newest && first);
    const restore = [
      'restore',
      '--snapshot',
      newest?.snapshot ?? '',
      '--to',
      '/var/tmp/of-history',
    ];
    const { exitCode, stderr } = await host.cli(...restore);
    t.equal(exitCode, 0, stderr);
    const diff = await host.bash(`diff -r ${backups}/${newest?.name} /var/tmp/of-history`, {
      timeoutSeconds: 60,
    });
    t.equal(diff.stdout, '');
    t.equal(diff.exitCode, 0);
  });

  await t.test('where it cannot be kept, nothing is updated', async (t) => {
    await password('another');
    await host.pushCluster({ tag: 'v4' });
    const said = await expectRefusalButBackup();
    t.match(said, /password/);
    await set('\n    required: false');
    t.match(await expectUpdate(t, host, 0), /the history of backups could not be kept: .*password/);
    t.same(await versions(host), allAt('v4'));

    async function expectRefusalButBackup(): Promise<string> {
      const before = await host.containers();
      const text = await expectUpdate(t, host, 1);
      t.same(await host.containers(), before);
      return text;
    }
  });
});
