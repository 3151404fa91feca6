import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeFile, startServices, type ServiceChange } from '../lab/cluster.ts';
import { startInstalled, type InstalledHost } from '../lab/installed-host.ts';
import { backupsOf } from '../lab/picture.ts';
import type { ReleaseKind } from './cases.ts';
import { writerPort, writerService } from './writer.ts';

/** Short, so that a round takes seconds. */
const config = [
  '  stable_seconds: 1',
  '  interval_seconds: 0.2',
  '  unhealthy_seconds: 2',
  '  timeout_seconds: 30',
].join('\n');

const tags = ['v1', 'v2', 'v3', 'v4'];
/** The volume of this service holds bytes that no update may change. */
const marked = 'knowledge';
export const ports = [8082, 5001, 8200, writerPort] as const;
const state = '/var/lib/orchestrator-update';

/** A host with the cluster of the lab, a service that writes all the time, and quick settings. */
export async function startTortureHost(): Promise<InstalledHost> {
  const host = await startInstalled();
  const file = '/etc/orchestrator-update/update_config.yaml';
  const text = (await host.readFile(file)).replace(
    /^ {2}(stable|unhealthy|timeout)_seconds:.*\n/gm,
    '',
  );
  await host.writeFile(file, text.replace(/^health:\n/m, `health:\n${config}\n`), {
    mode: '0600',
    owner: 'root:root',
  });
  const write = `head -c 100000 /dev/urandom >${markOf('guest')} && sync ${markOf('guest')}`;
  await host.bash(write, { reject: true });
  return host;
}

function markOf(where: string): string {
  const path = `/var/lib/docker/volumes/autonomy_${marked}_data/_data/mark`;
  return where === 'guest' ? path : join(where, path);
}

/** SHA-256 of what lies in a volume since before the first update. */
export function markIn(host: InstalledHost): string {
  return createHash('sha256')
    .update(readFileSync(markOf(host.root)))
    .digest('hex');
}

/** The tag after this one, of a release that differs in every service. */
export function nextTag(tag: string): string {
  return tags[(tags.indexOf(tag) + 1) % tags.length] ?? 'v1';
}

/** Publishes a release of which every service says `tag`; a bad one has one that never serves. */
export async function publish(
  host: InstalledHost,
  tag: string,
  kind: ReleaseKind,
): Promise<string> {
  const modes = { good: 'ok', unhealthy: 'unhealthy', 'crash-looping': 'exit' } as const;
  const services = Object.fromEntries(
    startServices.map((name): [string, ServiceChange] => [
      name,
      {
        tag,
        startDelaySeconds: 0.2,
        healthcheck: name === marked && kind !== 'good' ? quickCheck(name) : rareCheck(name),
        // A release that does the same as one that is quarantined would be held.
        environment: { ROUND: randomUUID() },
        ...(name === marked ? { mode: modes[kind] } : {}),
      },
    ]),
  );
  const model = composeFile({
    services,
    volumes: { writer_data: {} },
  });
  const text = model.replace(
    /^volumes:/m,
    () => `${indented({ writer: writerService(tag) })}volumes:`,
  );
  return host.pushRelease({ message: `${kind} ${tag}`, files: { 'docker-compose.yml': text } });
}

/** More services, below `services:` of a compose file that ends with them. */
function indented(services: object): string {
  const entries = Object.entries(services).map(
    ([name, one]) => `  ${name}: ${JSON.stringify(one)}\n`,
  );
  return entries.join('');
}

function quickCheck(name: string): Record<string, unknown> {
  const port = { orchestrator: 8082, neurosync_s1: 5001, knowledge: 8200 }[name];
  return {
    test: ['CMD', '/bin/busybox', 'wget', '-q', '-O-', `http://127.0.0.1:${port}/health`],
    interval: '500ms',
    timeout: '1s',
    retries: 3,
  };
}

/** Soon healthy, and then seldom asked: a check takes a tenth of a second of the processor. */
function rareCheck(name: string): Record<string, unknown> {
  const check = quickCheck(name);
  return { ...check, start_period: '10s', start_interval: '300ms', interval: '3s', retries: 2 };
}

/** The names of the transactions this host remembers. */
export function transactionsOf(host: InstalledHost): string[] {
  const directory = join(host.root, state, 'transactions');
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** How many lines the journal of a transaction has that was not there before. */
export function journalLines(host: InstalledHost, before: ReadonlySet<string>): number {
  const id = transactionsOf(host).find((name) => !before.has(name));
  if (id === undefined) return 0;
  try {
    const path = join(host.root, state, 'transactions', id, 'journal');
    return readFileSync(path, 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

/** What is left open or lying about on a host that should be at rest. */
export async function leftovers(host: InstalledHost): Promise<string[]> {
  const has = (path: string): boolean => existsSync(join(host.root, path));
  const partial = (await backupsOf(host)).filter((name) => name.startsWith('.'));
  const containers = await host.containers();
  const odd = containers.filter(
    ({ name, state: how }) => /^[0-9a-f]{12}_/.test(name) || how !== 'running',
  );
  return [
    ...(has(`${state}/active`) ? ['a transaction is open'] : []),
    ...(has(`${state}/needs-operator.json`) ? ['an operator is asked for'] : []),
    ...(has('/home/geo/operation/.git/index.lock') ? ['git is locked'] : []),
    ...partial.map((name) => `a partial backup ${name}`),
    ...odd.map(({ name, state: how }) => `container ${name} is ${how}`),
  ];
}
