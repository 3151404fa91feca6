import t from 'tap';
import { publishOwnImage } from '../control-host.ts';
import { startInstalled } from '../installed-host.ts';
import { expectRefusal, expectUntouched, expectUpdate, takePicture } from '../picture.ts';

await t.test('what a run may not do by itself', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const dangerous = { services: { orchestrator: { extra: { privileged: true } } } };

  await t.test('a dangerous release waits: exit code 10, nothing is touched', async (t) => {
    await host.pushCluster(dangerous);
    const before = await takePicture(host);
    const since = (await host.journal()).length;
    t.equal((await host.update()).exitCode, 0, 'systemctl start succeeds: somebody was told');
    t.equal((await host.unit()).exitStatus, 10);
    await expectUntouched(t, host, before);
    const said = (await host.journal()).slice(since);
    t.match(said, /waits for approval: .*service orchestrator: becomes privileged/);
    t.match(said, /next: orchestrator-update plan .*orchestrator-update approve [0-9a-f]{12}/);
  });

  await t.test('status says what waits, and what to type', async (t) => {
    const { stdout, exitCode } = await host.cli('status');
    t.equal(exitCode, 0);
    t.match(stdout, /^held\t[0-9a-f]{12} waits for approval: .*becomes privileged.*approve/m);
  });

  await t.test('plan shows it to a person, and to a program', async (t) => {
    const shown = await host.cli('plan');
    t.equal(shown.exitCode, 10);
    t.match(shown.stdout, /dangerous: service orchestrator: becomes privileged/);
    t.match(shown.stdout, /^orchestrator\trecreate\tdangerous\tstop \(≤ 10 s\) \+ start\t/m);
    t.match(shown.stdout, /^knowledge\tuntouched\tsafe\tnone\t-$/m);
    t.match(shown.stdout, /privileged: \(none\) → true/);
    const { policy, risk, problems } = JSON.parse((await host.cli('plan', '--json')).stdout);
    t.match({ policy, risk, problems }, { policy: { action: 'approve' }, risk: 'dangerous' });
    t.same(problems, []);
  });

  await t.test('another commit is not approved with it', async (t) => {
    const head = await host.head();
    const { exitCode, stderr } = await host.cli('approve', head);
    t.equal(exitCode, 1);
    t.match(stderr, /is not the tip of embody-alpha/);
  });

  await t.test('approved: the next run applies it; what comes after waits again', async (t) => {
    t.match((await host.cli('approve')).stderr, /approved [0-9a-f]{12}: .*becomes privileged/);
    const { stdout } = await host.cli('status');
    t.match(stdout, /^waiting\t[0-9a-f]{12}, approved: the next run applies it$/m);
    t.notMatch(stdout, /waits for approval/);
    t.match(await expectUpdate(t, host, 0), /approved at .*becomes privileged/);
    const inspect = ['inspect', '-f', '{{.HostConfig.Privileged}}', 'autonomy-orchestrator'];
    t.equal((await host.run('docker', inspect)).stdout, 'true');
    await host.pushCluster({
      services: { orchestrator: { extra: { privileged: true, cap_add: ['NET_ADMIN'] } } },
    });
    t.equal((await host.update()).exitCode, 0);
    t.equal((await host.unit()).exitStatus, 10);
  });

  await t.test('the policy of the host: refuse, or apply', async (t) => {
    const refused = await host.cli('run', '--set', 'policy.dangerous=refuse');
    t.equal(refused.exitCode, 1);
    t.match(refused.stderr, /the policy of this host refuses .*gains the capability NET_ADMIN/);
    const applied = await host.cli('run', '--set', 'policy.dangerous=apply');
    t.equal(applied.exitCode, 0, applied.stderr);
  });
});

await t.test('an image that keeps its data elsewhere waits, once it is here', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const reference = (tag: string): string => `registry.lab:5000/volume:${host.name}-${tag}`;
  const release = (tag: string) => ({
    services: {
      knowledge: { image: reference(tag), volumes: ['database:/var/lib/database/data'] },
    },
    volumes: { database: {} },
  });
  for (const [tag, path] of Object.entries({
    old: '/var/lib/database/data',
    new: '/var/lib/database',
  })) {
    const from = `registry.lab:5000/knowledge:v${tag === 'old' ? 1 : 2}`;
    await publishOwnImage(reference(tag), `FROM ${from}\nVOLUME ${path}\n`);
  }
  await host.pushCluster(release('old'));
  await expectUpdate(t, host, 0);
  await host.pushCluster(release('new'));
  const plan = async (): Promise<string> => (await host.cli('plan')).stdout;
  t.notMatch(await plan(), /keeps data in/, 'nothing is known of an image that is not here');

  const before = await takePicture(host);
  const since = (await host.journal()).length;
  t.equal((await host.update()).exitCode, 0);
  t.equal((await host.unit()).exitStatus, 10);
  await expectUntouched(t, host, before);
  const why = /service knowledge: its image keeps data in \/var\/lib\/database, and no longer in/;
  t.match((await host.journal()).slice(since), why);
  t.match(await plan(), why, 'now the plan knows it');
  t.equal((await host.cli('approve')).exitCode, 0);
  t.match(await expectUpdate(t, host, 0), /approved at .*keeps data in/);
});

await t.test('what this host does not have is said before anything is touched', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const refused = async (change: Parameters<typeof host.pushCluster>[0], said: RegExp) => {
    await host.pushCluster(change);
    t.match(await expectRefusal(t, host), said);
  };
  const backend = { backend: {} };
  await refused(
    {
      services: { knowledge: { networks: ['backend', 'edge'] } },
      networks: { ...backend, edge: { external: true } },
    },
    /external network edge, which this host does not have[^]*next: docker network create edge/,
  );
  await refused(
    {
      services: { knowledge: { volumes: ['models:/m'] } },
      volumes: { models: { external: true } },
    },
    /external volume models, which[^]*next: docker volume create models/,
  );
  await refused(
    {
      services: { knowledge: { volumes: ['models:/m'] } },
      volumes: { models: { driver: 'nfs-of-old' } },
    },
    /volume models wants the driver nfs-of-old, which this Docker engine does not have/,
  );
  await refused(
    {
      services: { knowledge: { extra: { secrets: ['key'] } } },
      extra: { secrets: { key: { file: './absent.key' } } },
    },
    /secret key needs \/home\/geo\/operation\/autonomy\/absent\.key, which is neither/,
  );
  await refused(
    {
      services: { knowledge: { extra: { secrets: ['key'] } } },
      extra: { secrets: { key: { environment: 'NOT_SET' } } },
    },
    /variable is not set: NOT_SET/,
  );
  await refused({ services: { knowledge: { tag: 'v99' } } }, /knowledge:v99 cannot be pulled/);
  await refused(
    { services: { knowledge: { extra: { platform: 'linux/s390x' }, tag: 'v2' } } },
    /knowledge:v2 is not there for linux\/s390x, only for linux\/amd64/,
  );
  await refused(
    { services: { knowledge: { environment: { WHO: '${NOBODY_SET_THIS}' } } } },
    /variable is not set: NOBODY_SET_THIS/,
  );
  t.match(await host.cli('plan'), { exitCode: 1, stderr: /NOBODY_SET_THIS/ });
  await host.pushCluster({
    services: { knowledge: { tag: 'v2', volumes: ['./absent.conf:/x.conf', './config:/y'] } },
  });
  const { stdout, exitCode } = await host.cli('plan');
  t.equal(exitCode, 0);
  t.match(stdout, /⚠ service knowledge mounts .*\/absent\.conf, which is not there/);
  t.notMatch(stdout, /mounts .*\/config,/, 'what is there needs no warning');
});
