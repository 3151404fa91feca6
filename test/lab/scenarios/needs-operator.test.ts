import t from 'tap';
import { poll } from '../command.ts';
import { startInstalled } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import {
  allAt,
  expectRefusal,
  expectUpdate,
  hasFile,
  journalEnd,
  waitForJournal,
  waitUntilIdle,
} from '../picture.ts';
import { startTimer, timer } from '../timer.ts';

const latch = '/var/lib/orchestrator-update/needs-operator.json';

await t.test('when the old release does not come back, an operator is needed', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  let recipe = '';

  await t.test('it says so, loudly, and how to mend it', async (t) => {
    // The new release leaves port 5001, a stranger takes it, and the new release is not healthy.
    await host.pushCluster({
      services: {
        neurosync_s1: { tag: 'v2', hostPort: 5002 },
        knowledge: { tag: 'v2', mode: 'unhealthy' },
      },
    });
    const since = await journalEnd(host);
    const run = host.update();
    await waitForJournal(host, /verify the new release/, { since });
    const node = '/usr/local/lib/orchestrator-update/current/bin/node';
    const listen = `require('node:net').createServer().listen(5001)`;
    await host.run('systemd-run', ['--unit=stranger', node, '-e', listen], { reject: true });
    t.not((await run).exitCode, 0, 'the start fails');
    t.match(await host.unit(), { exitStatus: 13 });
    const said = (await host.journal()).slice(since);
    t.match(said, /rolling back failed \(3 of 3\): .*/);
    t.match(said, /an operator is needed: not healthy .*the old release did not come back: /);
    t.match(said, /5001/, 'the port is named');
    recipe = /next: (cd .*?);/.exec(said)?.[1] ?? '';
    t.not(recipe, '', 'a recipe to type');
    t.ok(await hasFile(host, latch));
  });

  await t.test('from now on nothing is changed, and everything says why', async (t) => {
    t.match(await expectRefusal(t, host, 13), /an operator is needed, nothing was done/);
    t.match(await host.cli('run'), { exitCode: 13, stderr: /next: .*acknowledge/ });
    const auto = await host.cli('run', '--auto');
    t.match(auto, { exitCode: 13, stderr: / info an operator is needed/ }, 'an error once a day');
    t.match(await host.cli('rollback'), { exitCode: 13 });
    t.match(await host.cli('recover'), { exitCode: 13 });
    const status = await host.cli('status');
    t.equal(status.exitCode, 13);
    t.match(status.stdout, /an operator is needed: .*did not come back/);
    // Also after a reboot: it is not forgotten.
    await host.reboot();
    t.match(await host.cli('run'), { exitCode: 13 });
  });

  await t.test('the timer says it as an error once a day, and so does what it calls', async (t) => {
    const count = async (...flags: string[]): Promise<number> => {
      const args = [
        '-t',
        'orchestrator-update',
        '-o',
        'cat',
        '-g',
        'an operator is needed',
        ...flags,
      ];
      const { stdout } = await host.run('journalctl', args);
      return stdout.split('\n').filter((line) => /an operator is needed, nothing/.test(line))
        .length;
    };
    // Both the service and the recovery that systemd starts when it failed; the first once, both in full.
    const during = async (runs: number): Promise<number> => {
      const [errors, all] = [await count('-p', 'err'), await count()];
      await poll(async () => ((await count()) >= all + 2 * runs ? true : undefined), {
        timeoutSeconds: 60,
        stepMs: 300,
      });
      return (await count('-p', 'err')) - errors;
    };
    await host.run('systemctl', ['reset-failed'], { reject: true });
    await startTimer(host, 5);
    t.equal(await during(2), 0, 'a person was told today already');
    await host.run('rm', ['/var/lib/orchestrator-update/reminded.json'], { reject: true });
    t.equal(await during(2), 1, 'a day later it would be told again');
    await host.run('systemctl', ['stop', timer], { reject: true });
    await waitUntilIdle(host);
    await host.run('systemctl', ['reset-failed'], { reject: true });
  });

  await t.test('the recipe works once the cause is gone, and acknowledge releases', async (t) => {
    await host.run('systemctl', ['stop', 'stranger']);
    const { exitCode, stderr } = await host.bash(recipe, { timeoutSeconds: 60 });
    t.equal(exitCode, 0, stderr);
    await host.waitHealthy();
    t.same(await versions(host), allAt('v1'));
    t.match(await host.cli('acknowledge'), { exitCode: 0, stderr: /acknowledged: / });
    t.notOk(await hasFile(host, latch));
    t.match(await host.cli('acknowledge'), { exitCode: 0, stderr: /nothing to acknowledge/ });
    t.match(await expectUpdate(t, host, 0), /held: .* is quarantined/, 'the bad one stays out');
  });

  await t.test('a mended release is taken', async (t) => {
    const good = await host.pushCluster({ tag: 'v3' });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v3'));
    t.equal(await host.head(), good);
  });
});
