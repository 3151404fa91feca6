import t from 'tap';
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

await t.test('rung 2: stopped, and refused by systemd', async (t) => {
  const starts =
    'for i in 1 2 3 4 5; do systemctl start docker; systemctl stop docker.socket docker; done';
  await mends(t, host, `systemctl stop docker.socket docker; ${starts}`, [2]);
});

await t.test('rung 8: what runs although Docker does not know it', async (t) => {
  const script = `set -e
    echo '{"live-restore": true, "insecure-registries": ["registry.lab:5000"]}' >/etc/docker/daemon.json
    systemctl reload docker; sleep 1
    : >/var/lib/docker/containers/$(docker inspect knowledge -f '{{.Id}}')/config.v2.json
    systemctl reset-failed docker; systemctl restart docker`;
  await mends(t, host, script, [8]);
});

await t.test('a run of the service that finds Docker dead has it mended', async (t) => {
  await host.bash("echo '{ broken' >/etc/docker/daemon.json; systemctl restart docker", {
    timeoutSeconds: 60,
  });
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
