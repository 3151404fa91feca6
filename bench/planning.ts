/**
 * `npm run bench:planning`: how long it takes to plan an update of a project with many services,
 * against the two `docker compose config` calls that it cannot do without, one after the other; on a
 * lab host, in turns. `diff` is the planner by itself; `plan` also asks the remote of the repository
 * and the registry of the new image, and so does the script it is compared with. Needs root. About a
 * minute.
 *
 * Usage: node bench/planning.ts [--json] [--rounds N] [--services N]
 */
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { startInstalled, type InstalledHost } from '../test/lab/installed-host.ts';
import { assertRoot } from '../test/lab/machine-pool.ts';
import { checkoutDir } from '../test/lab/paths.ts';
import { compareMs, machineText, markdownTable, type Figure } from './figures.ts';

const deployedFile = '/var/lib/orchestrator-update/deployed.json';

/** Services as real projects have them: an environment, a port, a volume, a network, a healthcheck. */
function project(services: number, changedTag: string): string {
  const names = Array.from({ length: services }, (_, index) => `service-${index}`);
  const definition = (name: string, index: number): object => ({
    image: `registry.lab:5000/knowledge:${index === 7 ? changedTag : 'v1'}`,
    environment: Object.fromEntries(
      Array.from({ length: 12 }, (_, key) => [`SETTING_${key}`, `value ${key} of ${name}`]),
    ),
    ports: [`${20_000 + index}:8080`],
    volumes: [`data-${index}:/data`, './config:/config:ro'],
    networks: ['backend'],
    healthcheck: { test: ['CMD', '/bin/busybox', 'true'], interval: '10s' },
    labels: { team: 'robots', tier: String(index % 3) },
    ...(index > 0 ? { depends_on: [`service-${index - 1}`] } : {}),
  });
  return stringify({
    name: 'autonomy',
    services: Object.fromEntries(names.map((name, index) => [name, definition(name, index)])),
    volumes: Object.fromEntries(names.map((_, index) => [`data-${index}`, {}])),
    networks: { backend: {} },
  });
}

/**
 * Publishes both releases and says that the first one is deployed. Planning needs no containers; those
 * of the example cluster would be strangers to the project.
 */
async function publish(host: InstalledHost, services: number): Promise<void> {
  const release = (tag: string): Promise<string> =>
    host.pushRelease({
      message: `${services} services, ${tag}`,
      files: { 'docker-compose.yml': project(services, tag) },
    });
  await host.bash(`cd ${host.projectDir} && docker compose down`, { reject: true });
  const first = await release('v1');
  const deployed = JSON.parse(await host.readFile(deployedFile)) as object;
  await host.writeFile(deployedFile, JSON.stringify({ ...deployed, commit: first }));
  await release('v2');
  for (const [directory, tag] of [['/root/old', 'v1'] as const, ['/root/new', 'v2'] as const]) {
    await host.writeFile(`${directory}/docker-compose.yml`, project(services, tag));
  }
}

async function milliseconds(host: InstalledHost, script: string): Promise<number> {
  const timed = `set -e; s=$(date +%s%N); ${script}; e=$(date +%s%N); echo $(((e - s) / 1000))`;
  const { stdout } = await host.bash(timed, { timeoutSeconds: 120, reject: true });
  return Number(stdout.trim().split('\n').at(-1)) / 1000;
}

const config = (directory: string): string =>
  `docker compose --project-directory ${directory} config --format json >/dev/null`;

/** What a person would type to see what a plan is made of. */
const twoConfigs = `${config('/root/old')}; ${config('/root/new')}`;
const fetch = `sudo -u geo git -C /home/geo/operation fetch --quiet origin embody-alpha`;
const manifest =
  'docker manifest inspect --insecure registry.lab:5000/knowledge:v2 >/root/manifest.json';

async function measure(host: InstalledHost, services: number, rounds: number): Promise<Figure[]> {
  // The first one fetches the releases, and learns the hashes of the deployed one.
  await host.cli('plan');
  const times = { diff: [], configs: [], plan: [], parts: [] } as Record<
    'diff' | 'configs' | 'plan' | 'parts',
    number[]
  >;
  const scripts = {
    diff: 'orchestrator-update diff /root/old /root/new --json >/root/diff.json',
    configs: twoConfigs,
    plan: 'orchestrator-update plan --json >/root/plan.json',
    parts: `${fetch}; ${twoConfigs}; ${manifest}`,
  } as const;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of ['diff', 'configs', 'plan', 'parts'] as const) {
      times[name].push(await milliseconds(host, scripts[name]));
    }
  }
  const plan = JSON.parse(await host.readFile('/root/plan.json')) as { services: unknown[] };
  if (plan.services.length < services) throw new Error('the plan does not have all services');
  return [
    compareMs(`\`diff\` of two directories, ${services} services`, times.diff, times.configs, 1.3),
    compareMs(
      `\`plan\` against git fetch, the two calls, docker manifest inspect`,
      times.plan,
      times.parts,
      1.3,
    ),
  ];
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    services: { type: 'string', default: '200' },
  },
});
assertRoot();
await execa(process.execPath, ['install/build.ts'], { cwd: checkoutDir });
const host = await startInstalled();
try {
  await host.update();
  const services = Number(values.services);
  await publish(host, services);
  const figures = await measure(host, services, Number(values.rounds));
  const machine = machineText();
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine, figures }, undefined, 2)}\n`
      : `${markdownTable(figures)}\nMeasured on ${machine}, Node ${process.version}.\n`,
  );
  process.exitCode = figures.every(({ met }) => met) ? 0 : 1;
} finally {
  await host.destroy();
}
