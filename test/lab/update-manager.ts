import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ServiceChange } from './cluster.ts';
import { poll } from './command.ts';
import type { InstalledHost } from './installed-host.ts';
import { checkoutDir } from './paths.ts';

const base = 'update-manager-base:lab';
const directory = '/root/orchestrator-update/update-manager';

/** What no program in a container needs of the lab's own root. */
const left = [
  ...['dockerd', 'containerd*', 'docker-registry', 'ctr'].map((name) => `usr/bin/${name}`),
  ...['modules', 'python3', 'systemd', 'udev'].map((name) => `usr/lib/${name}`),
  ...['share', 'local', 'include'].map((name) => `usr/${name}`),
];

/** Makes the image that the update manager's Dockerfile builds on, of the host's own root: the lab has no network. */
export async function makeBaseImage(host: InstalledHost): Promise<void> {
  const places = ['bin', 'sbin', 'lib', 'lib64', 'usr', 'etc/ssl', 'etc/ssh', 'etc/alternatives'];
  const excluded = left.map((path) => `--exclude='${path}'`).join(' ');
  const script = `tar -C / ${excluded} -c ${places.join(' ')} | docker import - ${base}`;
  await host.bash(script, { timeoutSeconds: 120, reject: true });
}

/** Builds and starts it, or starts it anew with other settings, as the guide says. */
export async function startManager(
  host: InstalledHost,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries({ BASE: base, ...settings }).map(
    ([name, value]) => `${name}=${value}`,
  );
  await host.writeFile(`${directory}/.env`, `${lines.join('\n')}\n`);
  const up = 'docker compose -f update-manager/docker-compose.yml up -d --build';
  const cwd = '/root/orchestrator-update';
  await host.bash(up, { cwd, timeoutSeconds: 180, reject: true });
}

/** Its service as a project of its own has it, for the compose file of the cluster. */
export function managerService(environment: Readonly<Record<string, string>>): ServiceChange {
  const text = readFileSync(`${checkoutDir}/update-manager/docker-compose.yml`, 'utf8');
  const file: { services: { update_manager: Record<string, unknown> } } = parse(text);
  const { build: _, ...service } = file.services.update_manager;
  return {
    containerName: 'update_manager',
    port: 1,
    hostPort: null,
    healthcheck: null,
    // There is no registry that has it.
    extra: { ...service, networks: undefined, pull_policy: 'never', environment },
  };
}

/** Everything `docker logs update_manager` shows. */
export async function managerLogs(host: InstalledHost): Promise<string> {
  const { stdout, stderr } = await host.run('docker', ['logs', 'update_manager']);
  return stdout + stderr;
}

/** Waits until what it says from `since` on matches; throws with the end of it after the time. */
export async function waitForLogs(
  host: InstalledHost,
  pattern: RegExp,
  { since = 0, timeoutSeconds = 60 } = {},
): Promise<string> {
  let text = '';
  const seen = await poll(
    async () => {
      text = (await managerLogs(host)).slice(since);
      return pattern.test(text) ? true : undefined;
    },
    { timeoutSeconds, stepMs: 200 },
  );
  if (seen) return text;
  throw new Error(`${pattern} is not in the logs:\n${text.split('\n').slice(-25).join('\n')}`);
}

/** As the guide says; the host is `docker exec update_manager`. */
export async function signalManager(host: InstalledHost, signal: 'USR1' | 'HUP'): Promise<void> {
  const inside = ['exec', 'update_manager', 'sh', '-c', `kill -${signal} 1`];
  await host.run('docker', inside, { reject: true });
}
