import { sameValue } from './canonical-json.ts';
import type { ComposeModel, Service } from './compose-model.ts';
import { databaseDanger, databaseOf } from './database-image.ts';
import { own } from './own.ts';
import { mountsOf, namedVolumesOf, type Mount } from './mounts.ts';

/** How much a person should look at a change before it is applied. */
export type Risk = 'safe' | 'look' | 'dangerous';

/** Something about a change that a person should know. */
export interface RiskFinding {
  readonly risk: Exclude<Risk, 'safe'>;
  readonly why: string;
}

export const look = (why: string): RiskFinding => ({ risk: 'look', why });
export const dangerous = (why: string): RiskFinding => ({ risk: 'dangerous', why });

/** The highest risk among findings. */
export function riskOf(findings: readonly RiskFinding[]): Risk {
  if (findings.some(({ risk }) => risk === 'dangerous')) return 'dangerous';
  return findings.length > 0 ? 'look' : 'safe';
}

/** Whether making a service anew touches data: it has a named volume, or is a known database. */
export function isStateful(model: ComposeModel, service: Service): boolean {
  const writes = namedVolumesOf(model, service).some(({ isReadOnly }) => !isReadOnly);
  return writes || databaseOf(service.image) !== undefined;
}

/** What is risky about a service as it becomes: new (no `old`), or defined otherwise. */
export function serviceRisks(
  before: ComposeModel,
  after: ComposeModel,
  old: Service | undefined,
  now: Service,
): RiskFinding[] {
  return [
    ...(old ? mountRisks(mountsOf(before, old), mountsOf(after, now)) : []),
    ...(old ? dataRisks(old, now) : []),
    ...powerRisks(before, after, old ?? {}, now),
    ...(old && !sameValue(old.ports ?? [], now.ports ?? [])
      ? [look('published ports change')]
      : []),
  ];
}

/**
 * What is risky about a service that goes. To remove one is an ordinary release, and its volumes
 * stay: those that nobody mounts any more are named for a person to look at.
 */
export function removalRisks(
  before: ComposeModel,
  after: ComposeModel,
  old: Service,
): RiskFinding[] {
  const kept = new Set(
    Object.values(after.services).flatMap((service) =>
      namedVolumesOf(after, service).map(({ source }) => source),
    ),
  );
  const left = namedVolumesOf(before, old).filter(({ source }) => !kept.has(source));
  return [
    look('the service is removed'),
    ...left.map(({ source }) => look(`volume ${source} is no longer mounted; its data stays`)),
  ];
}

function mountRisks(old: readonly Mount[], now: readonly Mount[]): RiskFinding[] {
  return old.flatMap((mount): RiskFinding[] => {
    const here = now.find(({ target }) => target === mount.target);
    const isSame = here?.type === mount.type && here.source === mount.source;
    if (isSame || mount.source === undefined) return [];
    if (mount.type === 'volume') return [volumeRisk(mount, here, now)];
    if (mount.type !== 'bind') return [];
    return here
      ? [dangerous(`${mount.target} moves from ${mount.source} to ${here.source ?? here.type}`)]
      : [look(`${mount.source} is no longer mounted at ${mount.target}`)];
  });
}

function volumeRisk(mount: Mount, here: Mount | undefined, now: readonly Mount[]): RiskFinding {
  const { source = '', target } = mount;
  if (here)
    return dangerous(`${target} moves from volume ${source} to ${here.source ?? here.type}`);
  const elsewhere = now.find((one) => one.type === 'volume' && one.source === source);
  return elsewhere
    ? dangerous(`volume ${source} moves from ${target} to ${elsewhere.target}`)
    : dangerous(`volume ${source} is no longer mounted at ${target}; its data stays`);
}

/** Variables that tell a database where its data is. */
const DATA_PATHS = ['PGDATA', 'MYSQL_DATADIR', 'MARIADB_DATADIR'];

function dataRisks(old: Service, now: Service): RiskFinding[] {
  const [was, is] = [environmentOf(old), environmentOf(now)];
  const moved = DATA_PATHS.filter((name) => was[name] !== is[name]);
  const database = databaseDanger(old.image, now.image);
  return [
    ...moved.map((name) =>
      dangerous(`${name} moves from ${was[name] ?? 'its default'} to ${is[name] ?? 'its default'}`),
    ),
    ...(database === undefined ? [] : [dangerous(database)]),
  ];
}

function environmentOf(service: Service): Readonly<Record<string, string | null>> {
  return (service['environment'] ?? {}) as Readonly<Record<string, string | null>>;
}

/** Sources that give a container the host: its root, or a way to ask the Docker daemon for it. */
const HOST_SOURCES = /^(\/|\/(var\/)?run|\/(var\/)?run\/docker\.sock|\/var\/lib\/docker)$/;

/** What gives a container more power over the host than it had. */
function powerRisks(
  before: ComposeModel,
  after: ComposeModel,
  old: Service,
  now: Service,
): RiskFinding[] {
  const gained = (field: string): string[] => {
    const had = new Set(listOf(old, field));
    return listOf(now, field).filter((entry) => !had.has(entry));
  };
  const becomesHost = ['network_mode', 'pid', 'ipc', 'userns_mode', 'uts', 'cgroup'].filter(
    (field) => now[field] === 'host' && old[field] !== 'host',
  );
  const mountedBefore = new Set(mountsOf(before, old).map(({ source }) => source));
  const hostMounts = mountsOf(after, now).flatMap(({ type, source = '' }) =>
    type === 'bind' && HOST_SOURCES.test(source) && !mountedBefore.has(source) ? [source] : [],
  );
  const unconfined = gained('security_opt').filter((entry) => entry.endsWith('unconfined'));
  return [
    ...(now['privileged'] === true && old['privileged'] !== true
      ? [dangerous('becomes privileged')]
      : []),
    ...becomesHost.map((field) => dangerous(`${field}: host`)),
    ...hostMounts.map((source) => dangerous(`mounts ${source} of the host`)),
    ...gained('cap_add').map((name) => dangerous(`gains the capability ${name}`)),
    ...unconfined.map((entry) => dangerous(`security_opt: ${entry}`)),
    ...gained('devices').map(() => look('gains a device of the host')),
  ];
}

function listOf(service: Service, field: string): string[] {
  const value = service[field];
  if (!Array.isArray(value)) return [];
  return value.map((entry) => (typeof entry === 'string' ? entry : JSON.stringify(entry)));
}

/** What is risky about volumes themselves: another driver means other data. */
export function volumeRisks(before: ComposeModel, after: ComposeModel): RiskFinding[] {
  return Object.entries(after.volumes ?? {}).flatMap(([key, definition]) => {
    const [old, now] = [own(before.volumes, key), definition] as readonly (
      | Driver
      | null
      | undefined
    )[];
    if (old === undefined) return [];
    const driverOf = (one: Driver | null | undefined): string => one?.driver ?? 'local';
    if (driverOf(old) !== driverOf(now)) {
      return [dangerous(`driver of volume ${key} changes: ${driverOf(old)} → ${driverOf(now)}`)];
    }
    return sameValue(old?.driver_opts ?? {}, now?.driver_opts ?? {})
      ? []
      : [dangerous(`driver options of volume ${key} change`)];
  });
}

interface Driver {
  readonly driver?: string;
  readonly driver_opts?: unknown;
}
