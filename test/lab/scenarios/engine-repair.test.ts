import t, { type Test } from 'tap';
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

const stays = async (t: Test): Promise<void> => {
  await host.cli('run', '--auto');
  await host.update();
  t.notMatch((await host.bash('systemctl is-active docker')).stdout, /^active/);
  // It may have been killed: what that has left of containers is seen to, too.
  t.equal((await repair(host)).exitCode, 0);
  await host.waitHealthy();
};

await t.test('what a person stopped stays stopped', async (t) => {
  await host.bash('systemctl stop docker.socket docker', { reject: true });
  await stays(t);
});

await t.test('also one that did not end in time', async (t) => {
  const limit = '/run/systemd/system/docker.service.d';
  const soon = `mkdir -p ${limit}; printf '[Service]\\nTimeoutStopSec=100ms\\n' >${limit}/soon.conf; systemctl daemon-reload`;
  await host.bash(`${soon}; systemctl stop docker.socket docker`);
  t.match((await host.bash('systemctl show docker -p Result')).stdout, /timeout/);
  await host.bash(`rm ${limit}/soon.conf; systemctl daemon-reload`);
  await stays(t);
});
