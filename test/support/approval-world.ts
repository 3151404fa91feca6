import { configSchema, settleConfig, type Config } from '../../src/config/schema.ts';
import type { Approving } from '../../src/approve.ts';
import type { Host } from '../../src/host/host.ts';
import type { Outcome } from '../../src/outcome.ts';
import { update } from '../../src/update.ts';
import { fakeHost } from './fake-host.ts';
import { makeWorld, type FakeRelease, type World } from './fake-world.ts';

const web = (image: string, extra: object = {}) => ({ services: { web: { image, ...extra } } });

/** Releases that a person may have to approve. */
const releases: Readonly<Record<string, FakeRelease>> = {
  old: { model: web('web:1') },
  safe: { parent: 'old', model: web('web:2') },
  safer: { parent: 'safe', model: web('web:3') },
  risky: { parent: 'old', model: web('web:2', { privileged: true }) },
  riskier: { parent: 'risky', model: web('web:2', { privileged: true, cap_add: ['NET_ADMIN'] }) },
  // Such as a commit is called.
  facade: { parent: 'old', model: web('web:2', { privileged: true, hostname: 'web' }) },
  decade: { parent: 'facade', model: web('web:2', { privileged: true, cap_add: ['NET_ADMIN'] }) },
  // A word in a README.
  text: { parent: 'old', model: web('web:1'), changedPaths: ['README.md'] },
  riskyText: { parent: 'risky', model: web('web:2', { privileged: true }) },
  sick: { parent: 'old', model: web('web:3', { privileged: true }), sick: ['web'] },
};

export function worldAt(tip: string): World {
  const world = makeWorld(releases, 'old');
  world.tip = tip;
  return world;
}

export function configWith(more: object = {}): Config {
  const health = { urls: [], stable_seconds: 3, unhealthy_seconds: 5 };
  return settleConfig(configSchema.parse({ health, ...more }));
}

/** A window that is closed when the world begins, and open three hours later. */
export function laterToday(world: World): object {
  const at = (hours: number): string =>
    `${String((new Date(world.clockMs).getHours() + hours) % 24).padStart(2, '0')}:00`;
  return { schedule: { windows: [{ from: at(3), to: at(5) }] } };
}

export const hours = (count: number): number => count * 3_600_000;

/** As the timer starts it. */
export const timer = (
  world: World,
  config: Config = configWith(),
  host: Host = fakeHost(world),
): Promise<Outcome> => update(host, config, { force: false, isAutomatic: true });

/** As a person starts it in a shell. */
export const shell = (
  world: World,
  config: Config = configWith(),
  force = false,
): Promise<Outcome> =>
  update(fakeHost(world), config, { force, isAutomatic: false, isInShell: true });

/** `approve`: of what waits, unless told. */
export const approves = (
  world: World,
  what: Partial<Approving> = {},
  config: Config = configWith(),
  host: Host = fakeHost(world),
): Promise<Outcome> =>
  update(host, config, {
    force: false,
    isAutomatic: false,
    approves: { wanted: undefined, isNow: false, by: 'geo', ...what },
  });

/** What a state file says; undefined where there is none. */
export function record(world: World, name: string): Record<string, unknown> | undefined {
  const text = world.files.get(name);
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
}

/** The ID of what waits. */
export function waitingId(world: World): string {
  return String(record(world, 'awaiting.json')?.['id']);
}

/** What must not change while a person is waited for. */
export function untouched(world: World): unknown {
  const { containers, tree, backups, partialBackups } = world;
  return structuredClone({ containers, tree, backups, partialBackups });
}
