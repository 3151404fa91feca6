import t from 'tap';
import { startInstalled } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { allAt, expectUntouched, expectUpdate, takePicture } from '../picture.ts';

const commands = [
  'run',
  'check',
  'plan',
  'status',
  'rollback',
  'recover',
  'acknowledge',
  'history',
  'report',
  'config',
  'doctor',
];

await t.test('what the commands print', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const first = await host.head();

  await t.test('help and versions', async (t) => {
    const general = await host.cli('--help');
    t.equal(general.exitCode, 0);
    for (const command of commands) {
      t.match(general.stdout, new RegExp(`^ +${command} `, 'm'), `${command} is listed`);
      const { exitCode, stdout } = await host.cli(command, '--help');
      t.equal(exitCode, 0);
      t.match(stdout, new RegExp(`^Usage: orchestrator-update ${command}`));
      t.match(stdout, /Examples:/);
    }
    t.match(await host.cli('--version'), { exitCode: 0, stdout: /^\d+\.\d+\.\d+/ });
  });

  await t.test('mistakes on the command line', async (t) => {
    const before = await takePicture(host);
    const wrong = [
      { args: ['rnu'], says: /unknown command rnu \(did you mean run\?\)/ },
      { args: ['run', '--frce'], says: /--frce/ },
      { args: ['run', 'now'], says: /unexpected word: now/ },
      { args: ['history', '--limit', 'few'], says: /--limit few: a number from 1/ },
      { args: ['config', 'shw'], says: /shw/ },
      { args: ['run', '--set', 'brnch=x'], says: /brnch.*branch/ },
      { args: ['run', '--config', '/nowhere.yaml'], says: /\/nowhere\.yaml/ },
    ];
    for (const { args, says } of wrong) {
      const { exitCode, stderr } = await host.cli(...args);
      t.equal(exitCode, 2, args.join(' '));
      t.match(stderr, says);
      t.match(stderr, /next: /);
    }
    await expectUntouched(t, host, before);
  });

  await t.test('without root: refused, and how', async (t) => {
    const { exitCode, stderr } = await host.run('/usr/local/sbin/orchestrator-update', ['run'], {
      user: 'geo',
    });
    t.equal(exitCode, 1);
    t.match(stderr, /needs to be root\nnext: sudo/);
  });

  await t.test('before the first run', async (t) => {
    t.match(await host.cli('check'), { exitCode: 0, stdout: /up to date/ });
    t.match(await host.cli('history'), { exitCode: 0, stdout: /no update or rollback yet/ });
    t.match(await host.cli('history', '--json'), { exitCode: 0, stdout: /^\[\]$/ });
    t.match(await host.cli('status'), { exitCode: 0, stdout: /autonomy, following embody-alpha/ });
  });

  const next = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });

  await t.test('an update waits: check, plan and status say so and change nothing', async (t) => {
    const before = await takePicture(host);
    t.match(await host.cli('check'), { exitCode: 10, stdout: /an update is waiting: .* → / });
    const check = await host.cli('check', '--json');
    t.match(JSON.parse(check.stdout), { waiting: true, deployed: first, tip: next });
    const plan = JSON.parse((await host.cli('plan', '--json')).stdout);
    t.match(plan, { verdict: 'images', from: first, to: next, strategy: 'reconcile' });
    t.match(plan.reasons, [/service orchestrator has a new image: .*v1 → .*v2/]);
    t.match((await host.cli('plan')).stdout, /Before anything is touched:[\s\S]*docker pull|pull/);
    t.match(await host.cli('run', '--dry-run'), { exitCode: 0, stdout: /orchestrator has a new/ });
    const status = JSON.parse((await host.cli('status', '--json')).stdout);
    t.match(status, { project: 'autonomy', branch: 'embody-alpha', waiting: next, last: null });
    await expectUntouched(t, host, before);
  });

  await t.test('after the update: status and history tell it', async (t) => {
    await expectUpdate(t, host, 0);
    t.same(await versions(host), { ...allAt('v1'), 8082: 'v2' });
    const status = JSON.parse((await host.cli('status', '--json')).stdout);
    t.match(status, { deployed: { commit: next }, waiting: null, underWay: null });
    t.match(status.last, { from: first, to: next, state: 'COMMITTED', kind: 'update' });
    t.match(status.holds, [/the timer is stopped/]);
    const [entry] = JSON.parse((await host.cli('history', '--json')).stdout);
    t.match(entry, { from: first, to: next, verdict: 'images', state: 'COMMITTED' });
    t.ok(entry.seconds > 0);
    t.match((await host.cli('history')).stdout, /COMMITTED\s.*orchestrator has a new image/);
    t.match(await host.cli('check'), { exitCode: 0, stdout: /up to date/ });
    t.match(await host.cli('plan'), { exitCode: 0, stdout: /nothing to do/ });
    t.match(JSON.parse((await host.cli('run', '--json')).stdout), { result: 'nothing' });
  });

  await t.test('config show and doctor', async (t) => {
    const shown = JSON.parse((await host.cli('config', 'show', '--json')).stdout);
    t.match(shown, { branch: 'embody-alpha', health: { stable_seconds: 2 }, backup: { keep: 5 } });
    t.match(await host.cli('config', 'show'), { exitCode: 0, stdout: /branch: embody-alpha/ });
    t.match(await host.cli('config', 'docs'), { exitCode: 0, stdout: /stable_seconds/ });
    const set = ['config', 'show', '--json', '--set', 'backup.keep=9'];
    t.equal(JSON.parse((await host.cli(...set)).stdout).backup.keep, 9);
    const doctor = await host.cli('doctor');
    t.equal(doctor.exitCode, 0, doctor.stdout);
    for (const subject of ['git', 'docker', 'docker compose', 'git repository', 'disk space']) {
      t.match(doctor.stdout, new RegExp(`✓ ${subject}: `));
    }
    await host.run('systemctl', ['stop', 'docker.socket', 'docker'], { reject: true });
    const sick = await host.cli('doctor');
    t.equal(sick.exitCode, 1);
    t.match(sick.stdout, /✗ docker: .*\n +→ /);
  });
});
