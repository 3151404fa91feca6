import t, { type Test } from 'tap';
import type { ClusterChange } from '../cluster.ts';
import { containerOf, identities, servicesOf, startsIn, versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';

const mtuOption = 'com.docker.network.driver.mtu';

await t.test('a host follows its branch through changes of volumes and networks', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());

  const take = async (t: Test, change: ClusterChange): Promise<void> => {
    const commit = await host.pushCluster(change);
    const { exitCode } = await host.update();
    if (exitCode !== 0) t.comment(await host.journal());
    t.equal(exitCode, 0, 'systemctl start');
    t.match(await host.unit(), { exitStatus: 0, result: 'success' });
    t.equal(await host.head(), commit, 'the work tree is at the release');
    t.same(await versions(host), { 8082: 'v1', 5001: 'v1', 8200: 'v1' });
  };

  const orchestrator = { volumes: ['models:/models'] };
  const volumes = { models: {} };

  await t.test('a volume added', async (t) => {
    const before = await identities(host);
    const starts = await startsIn(host, 'orchestrator_data');
    await take(t, { services: { orchestrator }, volumes });
    const { id } = await containerOf(host, 'orchestrator');
    const mounts = await host.run('docker', ['inspect', '-f', '{{json .Mounts}}', id]);
    t.match(mounts.stdout, /"Name":"autonomy_models",[^}]*"Destination":"\/models"/);
    t.same((await startsIn(host, 'orchestrator_data')).slice(0, starts.length), starts);
    const after = await identities(host);
    t.equal(after['neurosync_s1'], before['neurosync_s1']);
    t.equal(after['knowledge'], before['knowledge']);
    t.match(await host.journal(), /service orchestrator changed: volumes\n/);
    t.match(await host.journal(), /volume models is new/);
  });

  const knowledge = { networks: ['backend', 'edge'] };

  await t.test('a network added', async (t) => {
    const before = await identities(host);
    const networks = { backend: {}, edge: {} };
    await take(t, { services: { orchestrator, knowledge }, volumes, networks });
    const attached = (await containerOf(host, 'knowledge')).networks.toSorted();
    t.same(attached, ['autonomy_backend', 'autonomy_edge']);
    const after = await identities(host);
    t.equal(after['neurosync_s1'], before['neurosync_s1'], 'no down for a new network');
    t.equal(after['orchestrator'], before['orchestrator']);
    t.match(await host.journal(), /network edge is new/);
    t.notMatch(await host.journal(), /down, then up/);
  });

  await t.test('an option of a network changed: this compose needs down and up', async (t) => {
    const starts = await startsIn(host, 'knowledge_data');
    const networks = { backend: { driver_opts: { [mtuOption]: '1400' } }, edge: {} };
    await take(t, { services: { orchestrator, knowledge }, volumes, networks });
    const format = `{{index .Options "${mtuOption}"}}`;
    const inspect = ['network', 'inspect', '-f', format, 'autonomy_backend'];
    t.equal((await host.run('docker', inspect)).stdout, '1400');
    t.same(await servicesOf(host), ['knowledge', 'neurosync_s1', 'orchestrator']);
    for (const container of await host.containers()) {
      const expected = ['autonomy_backend', 'autonomy_edge'];
      const count = container.service === 'knowledge' ? 2 : 1;
      t.same(container.networks.toSorted(), expected.slice(0, count), container.name);
      const file = '/sys/class/net/eth0/mtu';
      const mtu = await host.run('docker', ['exec', container.id, '/bin/busybox', 'cat', file]);
      if (count === 1) t.equal(mtu.stdout, '1400', `seen in ${container.name}`);
    }
    t.match(await host.journal(), /network backend changed/);
    t.match(
      await host.journal(),
      /docker compose 2\.26\.1\S* cannot change a network in place: down, then up/,
    );
    const kept = (await startsIn(host, 'knowledge_data')).slice(0, starts.length);
    t.same(kept, starts, 'the data is kept');
  });

  await t.test('and back again by hand', async (t) => {
    t.match(await host.cli('rollback'), { exitCode: 0 });
    const inspect = ['network', 'inspect', '-f', '{{json .Options}}', 'autonomy_backend'];
    t.notMatch((await host.run('docker', inspect)).stdout, /1400/);
    t.same(await versions(host), { 8082: 'v1', 5001: 'v1', 8200: 'v1' });
  });
});
