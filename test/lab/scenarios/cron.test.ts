import t from 'tap';
import { versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';
import { allAt, expectUntouched, takePicture } from '../picture.ts';

const script = '/usr/local/sbin/orchestrator_full_update.sh';
const link = '/home/geo/operation/scripts/orchestrator_full_update.sh';

await t.test('what cron calls', async (t) => {
  const host = await startInstalled({ flags: ['--cron-script'] });
  t.teardown(() => host.destroy());
  /** As cron does: no terminal, hardly an environment. */
  const cron = (command: string) =>
    host.run('env', ['-i', 'HOME=/root', 'PATH=/usr/bin:/bin', '/bin/sh', '-c', command], {
      timeoutSeconds: 120,
    });
  const stat = async (path: string): Promise<string> =>
    (await host.run('stat', ['-c', '%U %a %F', path])).stdout;

  await t.test('it is root’s, and what the owner of the cluster can write is a link', async (t) => {
    t.equal(await stat(script), 'root 755 regular file');
    t.match(await stat(link), /^geo \d+ symbolic link$/);
    t.match(await stat('/home/geo/operation/scripts'), /^geo 7[57]5 directory$/);
    t.equal((await host.run('readlink', [link])).stdout, script);
    const status = await host.run('git', ['-C', host.workTree, 'status', '-s', '-uno'], {
      user: 'geo',
    });
    t.equal(status.stdout, '');
  });

  await t.test('without a terminal and without --auto it only reports', async (t) => {
    t.match(await cron(link), { exitCode: 0, stdout: /there is no terminal here.* --auto/ });
    await host.pushCluster({ tag: 'v2' });
    const before = await takePicture(host);
    const said = await cron(script);
    t.match(said, {
      exitCode: 10,
      stdout: /update is waiting[^]*Nothing was done: there is no term/,
    });
    await expectUntouched(t, host, before);
    t.match(await cron(`${script} --autom`), { exitCode: 2, stderr: /unknown option --autom/ });
  });

  await t.test('--auto: it updates, as the timer does', async (t) => {
    await host.cli('hold');
    t.match(await cron(`${script} --auto`), { exitCode: 0, stderr: /held: / });
    await host.cli('resume');
    t.match(await cron(`${link} --auto`), { exitCode: 0, stderr: /updated from/ });
    t.same(await versions(host), allAt('v2'));
  });

  await t.test('at a terminal it updates', async (t) => {
    await host.pushCluster({ tag: 'v2', services: { knowledge: { tag: 'v3' } } });
    const typed = await host.run('script', ['-qec', script, '/dev/null'], { timeoutSeconds: 120 });
    t.equal(typed.exitCode, 0, typed.stdout);
    t.match(await versions(host), { 8200: 'v3' });
  });

  await t.test('uninstalled: both are gone, and nothing else is', async (t) => {
    const cwd = '/root/orchestrator-update';
    await host.writeFile('/home/geo/operation/scripts/other', '');
    const done = await host.run('./install/install_update_service.sh', ['--uninstall'], { cwd });
    t.equal(done.exitCode, 0, done.stderr);
    const { stdout } = await host.run('ls', ['/home/geo/operation/scripts']);
    t.equal(stdout, 'other');
    t.equal((await host.run('test', ['-e', script])).exitCode, 1);
  });
});
