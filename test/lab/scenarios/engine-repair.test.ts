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
