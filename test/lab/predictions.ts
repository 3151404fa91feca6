import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import type { ComposeVersion } from '../support/compose-versions.ts';

import { releases } from './change-kinds.ts';
import { bringCompose } from './compose-plugin.ts';
import { startInstalled, type InstalledHost } from './installed-host.ts';
import { expectedWith, service, type ChangeKind, type Happening, type Part } from './kinds/kind.ts';

/** Nothing to probe, nothing to wait for, everything allowed: what happens to containers is looked at. */
const config = [
  'health:',
  '  urls: []',
  '  stable_seconds: 0',
  '  interval_seconds: 0.5',
  '  timeout_seconds: 60',
  '  unhealthy_seconds: 2',
  // The hosts have no buildx, or one that is too old for the later compose.
  'compose:',
  '  environment:',
  '    DOCKER_BUILDKIT: "0"',
  'policy:',
  '  dangerous: apply',
].join('\n');

/**
 * Publishes every kind of change to a host with this docker compose; what the plan said of each
 * service, what happened to its containers and what the table says have to be the same.
 */
export async function testPredictions(version: ComposeVersion): Promise<void> {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.writeFile('/etc/orchestrator-update/update_config.yaml', `${config}\n`, {
    mode: '0600',
  });
  const has = await bringCompose(host, version);
  t.ok(has.includes(version), `the host has docker compose ${has}`);
  for (const [name, kinds] of Object.entries(releases)) {
    await t.test(`a release ${name}, docker compose ${version}`, async (t) => {
      await publish(host, kinds, 'before');
      if (!(await applied(t, host))) return;
      await publish(host, kinds, 'after');
      const plan = await host.cli('plan', '--json');
      const { services } = JSON.parse(plan.stdout) as { services: PlannedService[] };
      const before = await look(host);
      const since = await host.run('date', ['+%s.%N'], { reject: true });
      if (!(await applied(t, host))) return;
      const signalled = await signalledSince(host, since.stdout.trim());
      const after = await look(host);
      for (const kind of kinds) {
        for (const [service, expected] of Object.entries(kind.expected)) {
          const planned = services.find((one) => one.service === service);
          const happened = whatHappened(service, planned?.from, { before, after, signalled });
          const wanted = expectedWith(version, expected);
          t.same(
            { planned: planned?.action, happened },
            { planned: wanted, happened: wanted },
            `${kind.title}: ${service} (${planned?.reasons.join('; ')})`,
          );
        }
      }
      t.same(await plannedActions(host), ['untouched'], 'nothing is left to do');
    });
  }
  await testBeside(host);
}

/** Services, and networks, that a release has beside those of its kinds. */
const added = (services: Part['services'] & object, networks?: Part['networks']): ChangeKind => ({
  title: '',
  before: {},
  after: { services, ...(networks ? { networks } : {}) },
  expected: {},
});

/** After the last release: what is beside the table. */
async function testBeside(host: InstalledHost): Promise<void> {
  const last = Object.values(releases).at(-1) ?? [];
  await t.test(
    'a service of an inactive profile that a person started is left alone',
    async (t) => {
      const debug = (mark: string) =>
        added({ debug: service({ profiles: ['debug'], labels: { mark } }) });
      await publish(host, [...last, debug('a')], 'after');
      if (!(await applied(t, host))) return;
      const up = ['compose', '--profile', 'debug', 'up', '-d', '--no-deps', 'debug'];
      await host.run('docker', up, { cwd: host.projectDir, reject: true });
      const before = await look(host);
      await publish(host, [...last, debug('b'), added({ more: service() })], 'after');
      const { services } = JSON.parse((await host.cli('plan', '--json')).stdout) as {
        services: PlannedService[];
      };
      t.match(
        services.find((one) => one.service === 'debug'),
        { action: 'untouched' },
      );
      if (!(await applied(t, host))) return;
      t.same((await look(host))['debug'], before['debug'], 'the same container, never stopped');
    },
  );

  await t.test(
    'a network that comes back in a rollback: its sharers are on it again',
    async (t) => {
      const other = { driver_opts: { 'com.docker.network.driver.mtu': '1300' } };
      const bad = added(
        {
          more: service({
            healthcheck: { test: ['CMD', '/bin/busybox', 'false'], interval: '1s', retries: 1 },
          }),
        },
        { changing: other, calm: null },
      );
      await publish(host, [...last, bad], 'after');
      const { exitCode, stderr } = await host.cli('run');
      t.equal(exitCode, 12, stderr);
      const rider = (await host.containers()).find((one) => one.service === 'rider');
      const wget = ['/bin/busybox', 'wget', '-q', '-O-', 'http://127.0.0.1:8080/health'];
      const asked = await host.run('docker', ['exec', rider?.id ?? '', ...wget]);
      t.match(
        asked,
        { exitCode: 0, stdout: /"status":"ok"/ },
        'it reaches whom it shares a namespace with',
      );
    },
  );
}

interface PlannedService {
  readonly service: string;
  readonly action: Happening;
  readonly from?: string;
  readonly reasons: readonly string[];
}

async function plannedActions(host: InstalledHost): Promise<string[]> {
  const { services } = JSON.parse((await host.cli('plan', '--json')).stdout) as {
    services: PlannedService[];
  };
  return [...new Set(services.map(({ action }) => action))];
}

async function publish(
  host: InstalledHost,
  kinds: readonly ChangeKind[],
  side: 'before' | 'after',
): Promise<void> {
  const parts = kinds.map((kind) => kind[side]);
  const merged = (field: Exclude<keyof Part, 'files'>): object =>
    Object.assign({}, ...parts.map((part) => part[field] ?? {})) as object;
  const model = {
    name: 'autonomy',
    services: merged('services'),
    networks: merged('networks'),
    volumes: merged('volumes'),
    configs: merged('configs'),
    secrets: merged('secrets'),
  };
  const files = Object.assign({}, ...parts.map((part) => part.files ?? {})) as Record<
    string,
    string
  >;
  const text = stringify(JSON.parse(JSON.stringify(model)), { lineWidth: 0 });
  await host.pushRelease({
    message: `Kinds of changes, ${side}`,
    files: { ...files, 'docker-compose.yml': text },
  });
}

async function applied(t: Test, host: InstalledHost): Promise<boolean> {
  const { exitCode, stderr } = await host.cli('run');
  return t.equal(exitCode, 0, `orchestrator-update run${exitCode === 0 ? '' : `: ${stderr}`}`);
}

/** Service → its containers: when each was started, by ID. */
type View = Readonly<Record<string, Readonly<Record<string, string>>>>;

async function look(host: InstalledHost): Promise<View> {
  const containers = await host.containers();
  const byService = Object.groupBy(containers, ({ service }) => service);
  return Object.fromEntries(
    Object.entries(byService).map(([service, own = []]) => [
      service,
      Object.fromEntries(own.map(({ id, startedAt }) => [id, startedAt])),
    ]),
  );
}

/** IDs of the containers that were sent HUP. */
async function signalledSince(host: InstalledHost, since: string): Promise<ReadonlySet<string>> {
  const format = '{{.ID}} {{index .Actor.Attributes "signal"}}';
  const until = (await host.run('date', ['+%s.%N'], { reject: true })).stdout.trim();
  const filters = ['--filter', 'event=kill', '--since', since, '--until', until];
  const { stdout } = await host.run('docker', ['events', ...filters, '--format', format], {
    reject: true,
  });
  const hups = stdout.split('\n').filter((line) => / (1|HUP|SIGHUP)$/.test(line));
  return new Set(hups.map((line) => line.split(' ')[0] ?? ''));
}

function whatHappened(
  service: string,
  from: string | undefined,
  { before, after, signalled }: { before: View; after: View; signalled: ReadonlySet<string> },
): Happening {
  const [old, now] = [before[service] ?? {}, after[service] ?? {}];
  const kept = Object.keys(old).filter((id) => Object.hasOwn(now, id));
  const [had, has] = [Object.keys(old).length, Object.keys(now).length];
  if (had === 0 && has === 0) return 'untouched';
  if (had === 0) return from !== undefined && before[from] && !after[from] ? 'rename' : 'create';
  if (has === 0 || (kept.length === has && has < had)) return 'remove';
  if (kept.length === 0) return 'recreate';
  if (has > had) return 'create';
  if (kept.some((id) => old[id] !== now[id])) return 'restart';
  return kept.some((id) => signalled.has(id)) ? 'signal' : 'untouched';
}
