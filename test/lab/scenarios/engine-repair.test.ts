import t from 'tap';
import { engineFaults } from '../engine-faults.ts';
import { mends, repair, startForRepair } from '../engine-repair.ts';

const host = await startForRepair();
t.teardown(() => host.destroy());

const pids = async (): Promise<string> =>
  (await host.bash("docker inspect -f '{{.Name}} {{.State.Pid}}' $(docker ps -q) | sort")).stdout;

await t.test('an engine that works is left alone', async (t) => {
  const before = await pids();
  const { exitCode, outcome } = await repair(host);
  t.equal(exitCode, 0);
  t.equal(outcome.state, 'well');
  t.equal(await pids(), before);
  t.match(await host.cli('engine', 'repair', '--max-rung', 'x'), {
    exitCode: 2,
    stderr: /--max-rung: a whole number/,
  });
});

await t.test(`rung 2: ${engineFaults.refused.title}`, async (t) => {
  await mends(t, host, engineFaults.refused);
});

await t.test('a run of the service that finds Docker dead has it mended', async (t) => {
  await host.bash(engineFaults.config.breakIt, { timeoutSeconds: 60 });
  t.equal((await host.update()).exitCode, 0, await host.journal());
  t.match(await host.journal(), /Docker is dead: engine repair is done first/);
  await host.waitHealthy();
  t.equal((await host.containers()).length, 3);
});

await t.test('what a person stopped stays stopped', async (t) => {
  await host.bash('systemctl stop docker.socket docker', { reject: true });
  await host.cli('run', '--auto');
  t.equal((await host.bash('systemctl is-active docker')).stdout, 'inactive');
  await host.bash('systemctl start docker.socket docker', { reject: true });
  await host.waitHealthy();
});
