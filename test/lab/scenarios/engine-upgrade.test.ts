import t from 'tap';
import {
  change,
  configureEngine,
  expectEngine,
  NEW,
  OLD,
  offer,
  processes,
  quickEngine,
  startForUpgrade,
  waitForEngineUnit,
} from '../engine-upgrade.ts';

const host = await startForUpgrade();
t.teardown(() => host.destroy());

await t.test('what would be done, and nothing is', async (t) => {
  const before = await processes(host);
  const dry = await host.cli('engine', 'upgrade', '--dry-run');
  t.equal(dry.exitCode, 10, dry.stderr);
  t.match(dry.stdout, /docker\.io 26\.1\.5\S* → 28\.5\.2/);
  t.match(dry.stdout, /tini \S+ → removed/);
  t.equal(await processes(host), before);
  t.match(await host.cli('engine', 'upgrade', '--to', '30.0.0'), {
    exitCode: 1,
    stderr: /no docker\.io 30\.0\.0 can be had[^]*apt-cache madison docker\.io/,
  });
  t.match(await host.cli('engine', 'rollback'), {
    exitCode: 1,
    stderr: /no upgrade of the engine is known/,
  });
});

await t.test('an upgrade under a cluster that runs on, and back without a network', async (t) => {
  const before = await processes(host);
  const { exitCode, said } = await change(host, 'upgrade', '--to', NEW);
  t.equal(exitCode, 0, said);
  t.equal(await processes(host), before, 'no container was restarted');
  await expectEngine(t, host, NEW);
  t.equal((await host.cli('run')).exitCode, 0);
  t.equal(await processes(host), before, 'compose has nothing to do');
  t.match(await host.cli('engine', 'upgrade'), { exitCode: 0, stdout: /nothing newer/ });

  await host.bash('rm -rf /srv/engine-packages /var/lib/apt/lists/*');
  const dry = await host.cli('engine', 'rollback', '--dry-run');
  t.match(dry, { exitCode: 10, stdout: /stopped, and started again: .*knowledge/ });
  const back = await change(host, 'rollback');
  t.equal(back.exitCode, 0, back.said);
  await expectEngine(t, host, OLD);
});

await t.test('a new engine that does not start is taken back', async (t) => {
  await offer(host, 'exits');
  const before = await processes(host);
  const { exitCode, outcome, said } = await change(host, 'upgrade');
  t.equal(exitCode, 12, said);
  t.equal(outcome.state, 'taken back');
  await expectEngine(t, host, OLD);
  t.equal(await processes(host), before, 'no container was restarted');
  t.match((await host.cli('run')).exitCode, 0);
});

await t.test('the timer says what can be had, and upgrades where it is told to', async (t) => {
  const look = async (): Promise<string> => {
    await host.bash('rm -f /var/lib/orchestrator-update/engine-check.json', { reject: true });
    t.equal((await host.cli('run', '--auto')).exitCode, 0);
    await waitForEngineUnit(host);
    await host.run('journalctl', ['--sync']);
    return (await host.bash('journalctl -u orchestrator-engine --no-pager -o cat')).stdout;
  };
  t.match(
    await look(),
    /docker\.io 26\.1\.5\S* → 28\.5\.2\S*\+lab1 and \d more packages can be had/,
  );
  t.match(
    (await host.cli('status')).stdout,
    /engine\s+docker\.io .* can be had: orchestrator-update/,
  );
  await expectEngine(t, host, OLD);
  await configureEngine(host, { ...quickEngine, mode: 'auto' });
  t.equal((await host.cli('run')).exitCode, 0);
  t.match(await look(), /is not tried again, it failed/);
  await offer(host);
  await look();
  await expectEngine(t, host, NEW);
});
