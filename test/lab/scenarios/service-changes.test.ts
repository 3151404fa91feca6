import t, { type Test } from 'tap';
import { composeFile, type ClusterChange, type ServiceChange } from '../cluster.ts';
import { containerOf, identities, servicesOf, startsIn, versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';
import { healthTargets, startProber } from '../prober.ts';

const dockerCalls = '/run/docker-calls';

await t.test('a host follows its branch through changes of services', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());

  /** Publishes and applies; a release that is not taken fails the test with the journal. */
  const take = async (t: Test, change: ClusterChange): Promise<string> => {
    const commit = await host.pushCluster(change);
    await applied(t, commit);
    return commit;
  };
  const applied = async (t: Test, commit: string): Promise<void> => {
    const { exitCode } = await host.update();
    if (exitCode !== 0) t.comment(await host.journal());
    t.equal(exitCode, 0, 'systemctl start');
    t.match(await host.unit(), { exitStatus: 0, result: 'success' });
    t.equal(await host.head(), commit, 'the work tree is at the release');
  };

  await t.test('nothing to do', async (t) => {
    // A door before the real docker that keeps a list of who went through.
    const door = `#!/bin/sh\necho "$*" >>${dockerCalls}\nexec /usr/bin/docker.real "$@"\n`;
    await host.run('mv', ['/usr/bin/docker', '/usr/bin/docker.real'], { reject: true });
    await host.writeFile('/usr/bin/docker', door, { mode: '0755' });
    const head = await host.head();
    const before = await identities(host);

    t.equal((await host.update()).exitCode, 0, 'the first look');
    t.match(await host.journal(), /found autonomy at [0-9a-f]{12}, the tip of embody-alpha/);
    t.match(await host.readFile(dockerCalls), /compose/, 'the first look asks docker compose');

    await host.run('rm', [dockerCalls]);
    const again = await host.update();
    t.equal(again.exitCode, 0);
    t.match(await host.unit(), { exitStatus: 0, result: 'success' });
    const calls = await host.run('cat', [dockerCalls]);
    t.match(calls, { exitCode: 1, stdout: '' }, 'no docker process was run');
    t.ok(again.seconds < 5, `took ${again.seconds} s`);
    t.match(await host.journal(), /nothing to do: autonomy is at [0-9a-f]{12}/);
    t.same(await identities(host), before, 'every container as it was');
    t.equal(await host.head(), head);
    t.equal((await host.run('ls', ['/home/geo/operation/backups'])).stdout, '', 'no backup');
    await host.run('mv', ['/usr/bin/docker.real', '/usr/bin/docker'], { reject: true });
  });

  await t.test('only text changed', async (t) => {
    const before = await identities(host);
    const [name, ...rest] = composeFile().split(/^(?=\S)/m);
    const reordered = ['# The same cluster, told the other way round.\n', ...rest, name].join('');
    const release = { 'docker-compose.yml': reordered, 'README.md': 'What this is\n' };
    const commit = await host.pushRelease({ message: 'Words only', files: release });
    await applied(t, commit);
    t.equal(await host.readFile(`${host.projectDir}/README.md`), 'What this is\n');
    t.equal(await host.readFile(`${host.projectDir}/docker-compose.yml`), reordered);
    t.same(await identities(host), before, 'no container was touched');
    t.match(await host.journal(), /the compose project is unchanged; 2 files changed/);
  });

  await t.test('an image changed', async (t) => {
    const before = await identities(host);
    const others = healthTargets(host, { neurosync_s1: 5001, knowledge: 8200 });
    const prober = await startProber(others);
    await take(t, { services: { orchestrator: { tag: 'v2' } } });
    const { targets } = await prober.stop();
    t.same(await versions(host), { 8082: 'v2', 5001: 'v1', 8200: 'v1' });
    const after = await identities(host);
    t.not(after['orchestrator'], before['orchestrator'], 'the one is new');
    t.equal(after['neurosync_s1'], before['neurosync_s1'], 'the others are not');
    t.equal(after['knowledge'], before['knowledge']);
    for (const name of Object.keys(others)) {
      // A container that is made anew is away for hundreds of milliseconds; an answer that comes late is no outage.
      const longest = Math.max(0, ...(targets[name]?.windows ?? []).map((one) => one.durationMs));
      t.ok(longest < 100, `${name} answered; the longest it did not: ${longest} ms`);
      t.ok((targets[name]?.probes ?? 0) > 50, 'and was asked often');
    }
    t.match(
      await host.journal(),
      /service orchestrator has a new image: \S+orchestrator:v1 → \S+orchestrator:v2/,
    );
    const starts = await startsIn(host, 'orchestrator_data');
    t.match(starts.at(0), /v1$/, 'its data is kept');
    t.match(starts.at(-1), /v2$/);
  });

  const orchestrator = { tag: 'v2' };

  await t.test('a service added', async (t) => {
    const before = await identities(host);
    await take(t, { services: { orchestrator, reporter: {} } });
    t.match(await host.served(8300), { service: 'reporter', version: 'v1' });
    const { reporter, ...others } = await identities(host);
    t.ok(reporter);
    t.same(others, before, 'the others were not touched');
  });

  await t.test('a service removed', async (t) => {
    const { reporter: _, ...others } = await identities(host);
    await take(t, { services: { orchestrator } });
    t.equal(await host.served(8300), undefined, 'its port is closed');
    t.same(await identities(host), others, 'it is gone, the others were not touched');
    t.ok((await startsIn(host, 'reporter_data')).length > 0, 'its volume stays');
  });

  // The same container under another service's name: compose's hash leaves the name out.
  const wisdom: ServiceChange = {
    image: 'registry.lab:5000/knowledge:v1',
    port: 8200,
    containerName: 'knowledge',
    environment: { NAME: 'knowledge', GREETING: `\${GREETING:-none}` },
    extra: { volumes: ['knowledge_data:/data', './config:/config:ro'] },
  };
  const renamed: ClusterChange = {
    services: { orchestrator, knowledge: null, wisdom },
    volumes: { wisdom_data: null, knowledge_data: {} },
  };

  await t.test('a service renamed', async (t) => {
    const before = await identities(host);
    const starts = await startsIn(host, 'knowledge_data');
    await take(t, renamed);
    t.same(await servicesOf(host), ['neurosync_s1', 'orchestrator', 'wisdom']);
    t.match(await host.served(8200), { version: 'v1', greeting: 'hello' });
    const after = await identities(host);
    t.equal(after['orchestrator'], before['orchestrator']);
    t.equal(after['neurosync_s1'], before['neurosync_s1']);
    t.match(await host.journal(), /service knowledge is now called wisdom/);
    const kept = (await startsIn(host, 'knowledge_data')).slice(0, starts.length);
    t.same(kept, starts, 'its data went with it');
  });

  await t.test('container_name changed', async (t) => {
    const before = await identities(host);
    const named = { ...wisdom, containerName: 'autonomy-wisdom' };
    await take(t, { ...renamed, services: { ...renamed.services, wisdom: named } });
    t.equal((await containerOf(host, 'wisdom')).name, 'autonomy-wisdom');
    t.same(await servicesOf(host), ['neurosync_s1', 'orchestrator', 'wisdom'], 'and no other');
    t.match(await host.served(8200), { version: 'v1' });
    t.equal((await identities(host))['orchestrator'], before['orchestrator']);
    t.match(await host.journal(), /service wisdom changed: container name/);
  });

  await t.test('a published port changed', async (t) => {
    const moved = { ...wisdom, containerName: 'autonomy-wisdom', hostPort: 8201 };
    await take(t, { ...renamed, services: { ...renamed.services, wisdom: moved } });
    t.match(await host.served(8201), { version: 'v1', greeting: 'hello' });
    t.equal(await host.served(8200), undefined, 'the old port is closed');
    t.match(
      await host.journal(),
      /http:\/\/localhost:8200\/health is not probed: this release does not publish its port; change health\.urls/,
    );
    t.equal((await host.served(8201))?.config, 'level: info', 'with its configuration');
  });

  await t.test('the release after it is not held up by the port that moved', async (t) => {
    const moved = { ...wisdom, containerName: 'autonomy-wisdom', hostPort: 8201 };
    const services = { ...renamed.services, orchestrator: { tag: 'v3' }, wisdom: moved };
    await take(t, { ...renamed, services });
    t.same(await versions(host, [8082, 5001, 8201]), { 8082: 'v3', 5001: 'v1', 8201: 'v1' });
  });

  const history: { state: string }[] = JSON.parse((await host.cli('history', '--json')).stdout);
  const states = history.map(({ state }) => state);
  t.same(
    states,
    Array.from({ length: 8 }, () => 'COMMITTED'),
    'the history knows them all',
  );
  const { stdout: backups } = await host.run('ls', ['/home/geo/operation/backups']);
  t.equal(backups.split('\n').filter((name) => name !== 'latest').length, 5, 'five are kept');
});
