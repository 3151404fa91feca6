/** `npm run ladder`: every rung on a real host, eight minutes; the suite plays two of them. */
import t from 'tap';
import { mends, repair, startForRepair } from '../engine-repair.ts';

const host = await startForRepair();
t.teardown(() => host.destroy());

await t.test('rung 3: a configuration that is no JSON', async (t) => {
  await mends(t, host, "echo '{ broken' >/etc/docker/daemon.json; systemctl restart docker", [3]);
  t.match((await host.bash('cat /etc/docker/daemon.json.broken-*')).stdout, '{ broken');
  t.match(await host.readFile('/etc/docker/daemon.json'), /insecure-registries/);
});

await t.test('rung 4: no socket, and a directory in its place', async (t) => {
  await mends(t, host, 'rm /run/docker.sock', [4]);
  await mends(
    t,
    host,
    'systemctl stop docker.socket docker; rm -f /run/docker.sock; mkdir /run/docker.sock',
    [4],
  );
});

await t.test('rung 5: a dockerd that hangs', async (t) => {
  await mends(t, host, 'kill -STOP $(pidof dockerd)', [5]);
});

await t.test('rung 6: a containerd that hangs', async (t) => {
  await mends(t, host, 'kill -STOP $(pidof containerd)', [6]);
});

await t.test('rung 7: a port that nobody answers at', async (t) => {
  await mends(t, host, 'kill $(pgrep -f "[d]ocker-proxy.*host-port 8200")', [7]);
});

await t.test('rung 13: packages that are only half installed', async (t) => {
  const half =
    "sed -i '/^Package: docker-cli$/,/^$/s/^Status: .*/Status: install ok unpacked/' /var/lib/dpkg/status";
  await mends(t, host, half, [13]);
  t.equal((await host.bash('dpkg --audit')).stdout, '');
});

await t.test('nothing helps: a person is told, and what was seen is kept', async (t) => {
  const script =
    'systemctl stop docker.socket docker; mv /usr/sbin/dockerd /usr/sbin/dockerd.away; sleep 1';
  await host.bash(script);
  const { exitCode, outcome, said } = await repair(host);
  t.equal(exitCode, 13, said);
  const evidence = outcome.evidence ?? '';
  t.equal((await host.run('stat', ['-c', '%a %U', evidence])).stdout, '600 root');
  t.match(await host.readFile(evidence), /^# journalctl .*docker/m);
  t.match((await host.cli('status')).stdout, /an operator is needed: the engine is broken/);
  t.equal((await host.update()).exitCode === 0, false, 'no update while it is so');
  await host.bash('mv /usr/sbin/dockerd.away /usr/sbin/dockerd');
  t.equal((await host.cli('acknowledge')).exitCode, 0);
  t.equal((await repair(host)).exitCode, 0);
  await host.waitHealthy();
  t.match(await host.cli('run'), { exitCode: 0 });
});
