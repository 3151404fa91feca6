import { composeFile, servicePorts, startServices } from '../test/lab/cluster.ts';
import { sleep } from '../test/lab/command.ts';
import type { InstalledHost } from '../test/lab/installed-host.ts';
import { healthTargets, type ProbeOutcomes, startProber } from '../test/lab/prober.ts';
import { compareMs, type Figure } from './figures.ts';
import { watchMemory, type PeakMemory } from './peak-memory.ts';

const changed = 'orchestrator';
const versions = ['v2', 'v1'] as const;

/** What one change of an image did to those who use the cluster. */
interface Change {
  readonly downMs: number;
  readonly othersFailed: number;
  readonly othersProbes: number;
}

/** One service gets another image: by the updater, and by hand with the image already there. */
export async function imageChange(
  host: InstalledHost,
  rounds: number,
): Promise<{ figures: Figure[]; memory: PeakMemory[] }> {
  const updates: Change[] = [];
  const byHand: Change[] = [];
  const memory: PeakMemory[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const version of versions) byHand.push(await changeByHand(host, version));
    for (const version of versions) {
      const watch = watchMemory(host.name, 'orchestrator-update.service');
      updates.push(await changeByUpdate(host, version));
      memory.push(await watch.stop());
    }
  }
  return { figures: [othersUp(updates, byHand), downtime(updates, byHand)], memory };
}

function downtime(updates: readonly Change[], byHand: readonly Change[]): Figure {
  const of = (changes: readonly Change[]): number[] => changes.map(({ downMs }) => downMs);
  const name =
    'one image changed, downtime of that service, against `docker compose up -d SERVICE`';
  return compareMs(name, of(updates), of(byHand), 1.1);
}

function othersUp(updates: readonly Change[], byHand: readonly Change[]): Figure {
  const failedOf = (changes: readonly Change[]): number =>
    changes.reduce((sum, { othersFailed }) => sum + othersFailed, 0);
  const probesOf = (changes: readonly Change[]): number =>
    changes.reduce((sum, { othersProbes }) => sum + othersProbes, 0);
  const failed = failedOf(updates);
  const probes = probesOf(updates);
  return {
    name: 'one image changed, failed probes of the other services',
    ours: `${failed} of ${probes}`,
    theirs: `${failedOf(byHand)} of ${probesOf(byHand)} by hand`,
    ratio: undefined,
    target: '0',
    met: failed === 0 && probes > 0,
  };
}

async function changeByUpdate(host: InstalledHost, version: string): Promise<Change> {
  await host.pushCluster({ services: { [changed]: { tag: version } } }, `Use ${version}`);
  return probed(host, version, async () => {
    const { exitCode } = await host.update();
    if (exitCode !== 0) throw new Error(`the update failed:\n${await host.journal()}`);
  });
}

/** With the compose file edited in place; the second of the two edits puts it back. */
async function changeByHand(host: InstalledHost, version: string): Promise<Change> {
  const file = `${host.projectDir}/docker-compose.yml`;
  const committed = await host.readFile(file);
  await host.run('docker', ['pull', '-q', `registry.lab:5000/${changed}:${version}`], {
    reject: true,
  });
  const edited = composeFile({ services: { [changed]: { tag: version } } });
  await host.writeFile(file, edited, { owner: 'geo:geo' });
  try {
    return await probed(host, version, async () => {
      const up = ['compose', 'up', '-d', changed];
      await host.run('docker', up, { cwd: host.projectDir, timeoutSeconds: 120, reject: true });
    });
  } finally {
    await host.writeFile(file, committed, { owner: 'geo:geo' });
  }
}

/** Probes every service each 20 ms while `act` runs, and until all of them answer again. */
async function probed(
  host: InstalledHost,
  version: string,
  act: () => Promise<void>,
): Promise<Change> {
  const ports = Object.fromEntries(startServices.map((name) => [name, servicePorts[name]]));
  const prober = await startProber(healthTargets(host, ports));
  try {
    await sleep(300);
    await act();
    await host.waitHealthy();
    await sleep(500);
  } catch (error) {
    await prober.stop();
    throw error;
  }
  return judge(await prober.stop(), version);
}

function judge({ targets }: ProbeOutcomes, version: string): Change {
  const own = targets[changed];
  if (own?.firstSeen[version] === undefined) throw new Error(`${version} was never served`);
  const others = Object.entries(targets).filter(([name]) => name !== changed);
  return {
    downMs: own.downMs,
    othersFailed: others.reduce((sum, [, { failed }]) => sum + failed, 0),
    othersProbes: others.reduce((sum, [, { probes }]) => sum + probes, 0),
  };
}
