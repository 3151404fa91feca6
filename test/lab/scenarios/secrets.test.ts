import t from 'tap';
import type { ClusterChange } from '../cluster.ts';
import { startInstalled } from '../installed-host.ts';
import { expectUpdate } from '../picture.ts';

const secret = 'hunter2-9f83c1';

/** A release whose service gets the secret. */
const using = (tag: string, mode: 'ok' | 'unhealthy'): ClusterChange => ({
  services: { knowledge: { tag, mode, environment: { TOKEN: '${SECRET_TOKEN}' } } },
});

await t.test('a secret of .env is shown nowhere, and kept where only root can read', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const env = `${host.projectDir}/.env`;
  const text = (await host.bash(`cat ${env}`)).stdout;
  await host.writeFile(env, `${text}\nSECRET_TOKEN=${secret}\n`, {
    mode: '0600',
    owner: 'geo:geo',
  });

  const shown = async (): Promise<string> => {
    const commands = [
      ['plan'],
      ['plan', '--json'],
      ['status'],
      ['status', '--json'],
      ['check', '--json'],
      ['history'],
      ['history', '--json'],
      ['report'],
      ['report', '--json'],
      ['report', '--html', '/run/report.html'],
      ['config', 'show'],
      ['doctor'],
    ];
    const printed = [];
    for (const args of commands) {
      const { stdout, stderr } = await host.cli(...args, '--debug');
      printed.push(stdout, stderr);
    }
    printed.push((await host.bash('cat /run/report.html')).stdout);
    const all = await host.run('journalctl', ['--no-pager', '-o', 'json']);
    return [...printed, all.stdout].join('\n');
  };

  await host.pushCluster(using('v2', 'ok'));
  t.same(linesWith(await shown()), [], 'while it waits');
  await expectUpdate(t, host, 0);
  const inside = await host.run('docker', ['exec', 'knowledge', 'busybox', 'env']);
  t.match(inside.stdout, `TOKEN=${secret}`, 'the service has it');
  await host.pushCluster(using('v3', 'unhealthy'));
  await expectUpdate(t, host, 12);
  t.same(linesWith(await shown()), [], 'after an update and a rollback');

  const state = '/var/lib/orchestrator-update';
  t.equal((await host.run('stat', ['-c', '%a %U', state])).stdout, '700 root');
  const open = await host.run('find', [state, '-type', 'f', '-perm', '/077']);
  t.equal(open.stdout, '', 'its files are for root alone');
  // Docker keeps it where only root can read it; nobody else can, and we keep it nowhere else.
  const search = async (user: string, places: string[]): Promise<string> =>
    (
      await host.run('grep', ['-rslI', '--devices=skip', secret, ...places], {
        user,
        cwd: '/',
        timeoutSeconds: 60,
      })
    ).stdout;
  t.equal(await search('nobody', ['/home', '/run', '/usr/local', '/var/lib', '/etc']), '');
  t.equal(await search('root', ['/var/cache', '/tmp', '/var/tmp', '/var/log', '/etc']), '');
  const backup = '/home/geo/operation/backups/latest/autonomy/.env';
  t.equal((await host.run('stat', ['-c', '%a %U', backup])).stdout, '600 geo', 'as it was');
});

function linesWith(text: string): string[] {
  return text.split('\n').filter((line) => line.includes(secret));
}
