import t from 'tap';
import type { ClusterChange } from '../cluster.ts';
import { bringCompose } from '../compose-plugin.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { expectUpdate } from '../picture.ts';

/** Compose before 2.29.3 counts `depends_on` among the settings of a service, later ones do not. */
const cluster = (tag: string): ClusterChange => ({
  services: {
    orchestrator: { tag },
    neurosync_s1: { extra: { depends_on: ['knowledge'] } },
  },
});

interface Planned {
  readonly service: string;
  readonly action: string;
  readonly drift?: string;
}

await t.test('docker compose was upgraded: what it reads otherwise is in the plan', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.pushCluster(cluster('v1'));
  await expectUpdate(t, host, 0);
  const old = (await host.run('docker', ['compose', 'version', '--short'])).stdout.trim();
  t.match(old, /^2\.26/);
  await bringCompose(host, '2.40.3');
  const drift = /docker compose 2\.26\S* made it, and 2\.40\.3\S* reads its settings otherwise/;

  await t.test('with nothing to apply it is named, and left alone', async (t) => {
    const before = await ids(host);
    t.match(await planned(host), [
      { service: 'knowledge', action: 'untouched', drift: undefined },
      { service: 'neurosync_s1', action: 'untouched', drift },
      { service: 'orchestrator', action: 'untouched', drift: undefined },
    ]);
    t.match(await expectUpdate(t, host, 0), /nothing to do/);
    t.same(await ids(host), before);
  });

  await t.test('policy.drift: report leaves it alone in an update, too', async (t) => {
    const before = await ids(host);
    await host.pushCluster(cluster('v2'));
    const { exitCode, stderr } = await host.cli('run', '--set', 'policy.drift=report');
    t.equal(exitCode, 0, stderr);
    t.match(stderr, drift);
    const after = await ids(host);
    t.same(
      Object.keys(after).filter((name) => after[name] !== before[name]),
      ['orchestrator'],
    );
  });

  await t.test('otherwise the next update makes it anew, as the plan said', async (t) => {
    const before = await ids(host);
    await host.pushCluster(cluster('v3'));
    t.match(await planned(host), [
      { service: 'knowledge', action: 'untouched' },
      { service: 'neurosync_s1', action: 'recreate', drift },
      { service: 'orchestrator', action: 'recreate' },
    ]);
    await expectUpdate(t, host, 0);
    const after = await ids(host);
    t.same(
      Object.keys(after)
        .filter((name) => after[name] !== before[name])
        .toSorted(),
      ['neurosync_s1', 'orchestrator'],
    );
    t.match(await planned(host), [
      { drift: undefined },
      { drift: undefined },
      { drift: undefined },
    ]);
  });
});

async function planned(host: InstalledHost): Promise<Planned[]> {
  const { stdout } = await host.cli('plan', '--json');
  return (JSON.parse(stdout) as { services: Planned[] }).services;
}

async function ids(host: InstalledHost): Promise<Record<string, string>> {
  const containers = await host.containers();
  return Object.fromEntries(containers.map(({ service, id }) => [service, id]));
}
