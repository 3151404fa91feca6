import t from 'tap';
import { publishOwnImage } from '../control-host.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { expectRefusal, expectUntouched, expectUpdate, takePicture } from '../picture.ts';

/** The ID that `status` tells. */
async function waitingId(host: InstalledHost): Promise<string> {
  const { stdout } = await host.cli('status', '--json');
  const { awaiting }: { awaiting: { id: string } | null } = JSON.parse(stdout);
  return awaiting?.id ?? 'nothing waits';
}

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
    t.match(said, /next: orchestrator-update plan .*orchestrator-update approve [0-9a-f]{8}$/m);
  });

  await t.test('status says what waits, and what to type', async (t) => {
    const { stdout, exitCode } = await host.cli('status');
    t.equal(exitCode, 0);
    t.match(stdout, /^held\t[0-9a-f]{12} waits for approval: .*becomes privileged.*approve/m);
    const { awaiting } = JSON.parse((await host.cli('status', '--json')).stdout);
    t.match(awaiting, { id: /^[0-9a-f]{8}$/, because: [/becomes privileged/], approved: null });
    t.equal(JSON.parse((await host.cli('plan', '--json')).stdout).id, awaiting.id, 'as of `plan`');
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
    t.match(stderr, /is not what waits now, which is [0-9a-f]{8}/);
  });

  await t.test('the branch moved: its ID approves nothing, and it is asked again', async (t) => {
    const id = await waitingId(host);
    await host.pushCluster({
      services: { orchestrator: { extra: { privileged: true }, environment: { MORE: '1' } } },
    });
    const before = await takePicture(host);
    const { exitCode, stderr } = await host.cli('approve', id);
    t.equal(exitCode, 1);
    t.match(stderr, new RegExp(`${id} is not what waits now, .*the branch moved: `));
    await expectUntouched(t, host, before);
    t.not(await waitingId(host), id);
  });

  await t.test('in a freeze it is approved, and held; the timer is, too', async (t) => {
    const file = '/etc/orchestrator-update/update_config.yaml';
    const usual = await host.readFile(file);
    const freeze = 'schedule:\n  freezes: [{from: 2020-01-01, to: 2099-01-01}]\n';
    await host.writeFile(file, `${usual}\n${freeze}`, { mode: '0600', owner: 'root:root' });
    const before = await takePicture(host);
    const id = await waitingId(host);
    const approved = await host.cli('approve', id);
    t.match(approved, { exitCode: 0, stderr: /is approved \([0-9a-f]{8}\).*frozen from 2020/ });
    t.match(await host.cli('run', '--auto'), { exitCode: 0, stderr: /held: .*frozen/ });
    await expectUntouched(t, host, before);
    const { stdout } = await host.cli('status');
    t.match(stdout, new RegExp(`^waiting\t[0-9a-f]{12}, approved \\(${id}, by `, 'm'));
    t.notMatch(stdout, /waits for approval/);
    await host.writeFile(file, usual, { mode: '0600', owner: 'root:root' });
  });

  await t.test('the next run applies what is approved; what comes after waits', async (t) => {
    t.match(await expectUpdate(t, host, 0), /approved at .* by .*becomes privileged/);
    const inspect = ['inspect', '-f', '{{.HostConfig.Privileged}}', 'autonomy-orchestrator'];
    t.equal((await host.run('docker', inspect)).stdout, 'true');
    await host.pushCluster({
      services: { orchestrator: { extra: { privileged: true, cap_add: ['NET_ADMIN'] } } },
    });
    t.equal((await host.update()).exitCode, 0);
    t.equal((await host.unit()).exitStatus, 10);
  });

  await t.test('rejected: the timer says so, and by whom', async (t) => {
    const id = await waitingId(host);
    t.match(await host.cli('reject', id, '--reason', 'not before the fair'), { exitCode: 0 });
    const since = (await host.journal()).length;
    t.equal((await host.update()).exitCode, 0);
    t.equal((await host.unit()).exitStatus, 0, 'held');
    const said = (await host.journal()).slice(since);
    t.match(said, /is quarantined: rejected by root on .*: not before the fair/);
    t.match(await host.cli('approve'), { exitCode: 1, stderr: /rejected by root/ });
    t.match(await host.cli('run', '--force'), { exitCode: 10 }, 'by hand it is asked for again');
  });

  await t.test('the policy of the host: refuse, or apply', async (t) => {
    const refused = await host.cli('run', '--set', 'policy.dangerous=refuse');
    t.equal(refused.exitCode, 1);
    t.match(refused.stderr, /the policy of this host refuses .*gains the capability NET_ADMIN/);
    const applied = await host.cli('run', '--set', 'policy.dangerous=apply');
    t.equal(applied.exitCode, 0, applied.stderr);
  });
});

await t.test('a tag that moves at the registry is not what was approved', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const reference = `registry.lab:5000/moving:${host.name}`;
  const publish = (label: string): Promise<void> =>
    publishOwnImage(reference, `FROM registry.lab:5000/knowledge:v2\nLABEL which=${label}\n`);
  await publish('first');
  await host.pushCluster({ services: { knowledge: { image: reference } } });
  const mode = ['--set', 'mode=approve'];
  const before = await takePicture(host);
  t.match(await host.cli('run', '--auto', ...mode), { exitCode: 10, stderr: /: mode: approve/ });
  const id = await waitingId(host);
  await publish('second');
  const refused = await host.cli('approve', id, ...mode);
  t.equal(refused.exitCode, 1);
  t.match(refused.stderr, /image registry\.lab:5000\/moving:\S+: sha256:\w+ → sha256:\w+; nothing/);
  await expectUntouched(t, host, before);
  const applied = await host.cli('approve', await waitingId(host), ...mode);
  t.equal(applied.exitCode, 0, applied.stderr);
  const inspect = ['inspect', '-f', '{{index .Config.Labels "which"}}', 'knowledge'];
  t.equal((await host.run('docker', inspect)).stdout, 'second');
});

await t.test('mode notify: the service tells, a person applies', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.pushCluster({ services: { knowledge: { tag: 'v2' } } });
  const mode = ['--set', 'mode=notify'];
  const before = await takePicture(host);
  const told = await host.cli('run', '--auto', ...mode);
  t.match(told, { exitCode: 10, stderr: /an update is available: .*next: .*approve [0-9a-f]{8}/s });
  await expectUntouched(t, host, before);
  const images = await host.run('docker', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}']);
  t.notMatch(images.stdout, /knowledge:v2/, 'nothing was pulled');
  t.match(await host.cli('approve', await waitingId(host), ...mode), { exitCode: 0 });
  await host.pushCluster({ services: { knowledge: { tag: 'v4' } } });
  t.match(await host.cli('run', ...mode), { exitCode: 0 }, 'in a shell it is applied');
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
  const approved = await host.cli('approve');
  t.match(approved, { exitCode: 0, stderr: /approves [0-9a-f]{8}: .*keeps data in/ });
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
