import type { Test } from 'tap';
import type { EngineOutcome } from '../../src/engine-outcome.ts';
import { poll } from './command.ts';
import { offerEnginePackages, type EngineOffer } from './engine-packages.ts';
import { startInstalled, type InstalledHost } from './installed-host.ts';

const CONFIG = '/etc/orchestrator-update/update_config.yaml';

/** Short times: nothing in the lab needs longer. */
export const quickEngine = { hold_seconds: 3, settle_seconds: 15, start_seconds: 12 };

/** A host with a good backup, and these packages of the engine to be had. */
export async function startForUpgrade(
  settings: Readonly<Record<string, number | boolean | string>> = quickEngine,
): Promise<InstalledHost> {
  const host = await startInstalled();
  await configureEngine(host, settings);
  await host.update();
  await host.cli('backup', 'create');
  await offerEnginePackages(host, ['stable', 'unstable']);
  return host;
}

/** Replaces the engine's settings. */
export async function configureEngine(
  host: InstalledHost,
  settings: Readonly<Record<string, number | boolean | string>>,
): Promise<void> {
  const text = await host.readFile(CONFIG);
  const lines = Object.entries(settings).map(([key, value]) => `  ${key}: ${value}`);
  const rest = text.replace(/^engine:\n(?: .*\n)*/m, '').trimEnd();
  await host.writeFile(CONFIG, `${rest}\nengine:\n${lines.join('\n')}\n`, {
    mode: '0600',
    owner: 'root:root',
  });
}

/** `engine upgrade` or `rollback`. */
export async function change(
  host: InstalledHost,
  ...words: string[]
): Promise<{ exitCode: number; outcome: EngineOutcome; said: string }> {
  const args = ['engine', ...words, '--json'];
  const { exitCode, stdout, stderr } = await host.run('/usr/local/sbin/orchestrator-update', args, {
    timeoutSeconds: 400,
  });
  const outcome = (stdout.startsWith('{') ? JSON.parse(stdout) : {}) as EngineOutcome;
  return { exitCode, outcome, said: `${stdout}\n${stderr}` };
}

/** What runs, and since when: the same where nothing was restarted. */
export async function processes(host: InstalledHost): Promise<string> {
  const format = '{{.Name}} {{.State.Pid}} {{.State.StartedAt}}';
  return (await host.bash(`docker inspect -f '${format}' $(docker ps -q) | sort`)).stdout;
}

/** Which engine a host has: of dockerd, as it runs and as it is installed. */
export async function engineOf(
  host: InstalledHost,
): Promise<{ runs: string; installed: string; unfinished: string }> {
  const script = `docker version -f '{{.Server.Version}}'; dpkg-query -W -f '\${Version}\\n' docker.io; dpkg --audit`;
  const { stdout } = await host.bash(script);
  const [runs = '', installed = '', ...audit] = stdout.split('\n');
  return { runs, installed, unfinished: audit.join('\n') };
}

export const OLD = '26.1.5';
export const NEW = '28.5.2';

/** One whole engine of a version, whose packages are held, and a cluster that is healthy. */
export async function expectEngine(
  t: Test,
  host: InstalledHost,
  version: string,
  { isHeld = true }: { isHeld?: boolean } = {},
): Promise<void> {
  const { runs, installed, unfinished } = await engineOf(host);
  t.match(runs, version, 'the dockerd that runs');
  t.match(installed, version, 'the dockerd that is installed');
  t.equal(unfinished, '', 'no package is unfinished');
  await host.waitHealthy();
  t.equal((await host.containers()).length, 3);
  const held = (await host.bash('apt-mark showhold')).stdout.split('\n');
  if (isHeld)
    t.ok(held.includes('docker.io') && held.includes('containerd'), `held: ${held.join(' ')}`);
  const { stdout } = await host.bash('ls /usr/sbin/policy-rc.d; cat /etc/docker/daemon.json');
  t.equal(stdout.trim(), '{ "insecure-registries": ["registry.lab:5000"] }', 'nothing is left');
}

/** What apt has to offer from now on. */
export async function offer(host: InstalledHost, ...more: EngineOffer[]): Promise<void> {
  await offerEnginePackages(host, ['stable', 'unstable', ...more]);
}

/** Waits until the engine's unit has nothing to do any more. */
export async function waitForEngineUnit(host: InstalledHost, timeoutSeconds = 300): Promise<void> {
  const script =
    'systemctl is-active --quiet orchestrator-engine || test -e /var/lib/orchestrator-update/engine-transaction.json || echo idle';
  const idle = await poll(
    async () => {
      const { stdout } = await host.bash(script);
      const state = await host.bash('systemctl is-active orchestrator-engine');
      return stdout.includes('idle') && !state.stdout.startsWith('activ') ? true : undefined;
    },
    { timeoutSeconds, stepMs: 300 },
  );
  if (idle === undefined) throw new Error(`orchestrator-engine goes on after ${timeoutSeconds} s`);
}
