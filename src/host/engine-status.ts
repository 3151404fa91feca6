import { readlink, realpath } from 'node:fs/promises';
import type { Command } from '../argv/command.ts';
import { composeVersion } from '../argv/compose.ts';
import { buildxVersion, cliVersion, listLocalConnections } from '../argv/engine.ts';
import { systemctlShow } from '../argv/systemctl.ts';
import {
  clientContainers,
  clientProcesses,
  type ClientContainer,
  type EngineClient,
} from '../core/engine-clients.ts';
import {
  packagesOfEngines,
  partsOf,
  type EngineParts,
  type PartName,
} from '../core/engine-parts.ts';
import {
  followsDockerd,
  isDockerd,
  isVersion,
  judgeUpgrade,
  upgradable,
  type EngineUpgrade,
} from '../core/engine-upgrade.ts';
import type { EngineProbe } from '../core/engine-health.ts';
import { wordsOf } from '../core/package-words.ts';
import { versionIn } from '../core/version.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { openEngineApi, type EngineApi } from './engine-api.ts';
import { isOfContainerd } from './engine-view.ts';
import { probeEngine } from './engine-probes.ts';
import { exec } from './exec.ts';
import type { PackageHost, PackageWish } from './package-host.ts';
import { openPackages } from './packages.ts';

/** How one unit of systemd stands. */
export interface UnitState {
  readonly unit: string;
  /** `active (running)`, `failed (start-limit-hit)`, … */
  readonly state: string;
  /** Systemd refuses to start it again until `systemctl reset-failed`. */
  readonly isRefused: boolean;
  /** How often systemd has started it again by itself. */
  readonly restarts: number;
}

/** Everything that is to be known of an engine before it is touched. */
export interface EngineStatus extends EngineParts {
  /** The versions of its API; undefined where it does not answer. */
  readonly api: { readonly oldest: string; readonly newest: string } | undefined;
  readonly facts:
    | {
        readonly liveRestore: boolean;
        readonly storageDriver: string;
        /** Who keeps the images: Docker itself, or containerd. */
        readonly imageStore: 'docker' | 'containerd';
        readonly rootDirectory: string;
      }
    | undefined;
  readonly units: readonly UnitState[];
  /** Undefined where it cannot be known. */
  readonly clients: readonly EngineClient[] | undefined;
  /** What an upgrade would do; undefined where nothing of this engine can be upgraded. */
  readonly upgrade: EngineUpgrade | undefined;
  readonly probes: readonly EngineProbe[];
}

const API_SECONDS = 5;
const PROGRAM_SECONDS = 10;
const UNITS = ['docker.service', 'docker.socket', 'containerd.service'];

/** The part of `GET /info` that is read. */
interface Info {
  readonly LiveRestoreEnabled?: boolean;
  readonly Driver?: string;
  readonly DriverStatus?: readonly (readonly string[])[] | null;
  readonly DockerRootDir?: string;
  readonly SecurityOptions?: readonly string[] | null;
}

/** The part of `GET /version` that is read. */
interface Version {
  readonly Version?: string;
  readonly ApiVersion?: string;
  readonly MinAPIVersion?: string;
  readonly Components?: readonly { readonly Name?: string; readonly Version?: string }[] | null;
}

/**
 * Asks the package manager, systemd and the engine itself. What does not answer is left out, and said.
 *
 * @param to the version of dockerd that an upgrade is to bring; the newest if left out
 */
export async function readEngineStatus(socket: string, to?: string): Promise<EngineStatus> {
  const probes = await probeEngine(socket);
  const isUp = probes[0]?.state === 'ok';
  const api = openEngineApi(socket, API_SECONDS);
  const [info, version] = isUp
    ? await Promise.all([bodyOf<Info>(api, '/info'), bodyOf<Version>(api, '/version')])
    : [undefined, undefined];
  const packages = await openPackages();
  const [parts, units, clients] = await Promise.all([
    readParts(packages, version, info?.SecurityOptions ?? []),
    Promise.all(UNITS.map(readUnit)),
    isUp ? readClients(api, socket) : undefined,
  ]);
  return {
    ...parts,
    api: version && { oldest: version.MinAPIVersion ?? '', newest: version.ApiVersion ?? '' },
    facts: info && {
      liveRestore: info.LiveRestoreEnabled === true,
      storageDriver: info.Driver ?? '',
      imageStore: isOfContainerd(info) ? 'containerd' : 'docker',
      rootDirectory: info.DockerRootDir ?? '',
    },
    units,
    clients,
    upgrade:
      parts.why === undefined && packages !== undefined
        ? await planUpgrade(packages, parts, to)
        : undefined,
    probes,
  };
}

async function planUpgrade(
  packages: PackageHost,
  parts: EngineParts,
  to: string | undefined,
): Promise<EngineUpgrade> {
  const wanted = upgradable(parts);
  const wishes =
    to === undefined ? wanted.map((name) => ({ name })) : await pinned(packages, wanted, to);
  try {
    return judgeUpgrade(await packages.simulate(wishes));
  } catch (error) {
    return { changes: [], refusals: [messageOf(error)] };
  }
}

/** Docker's own programs in one version; what else an engine is made of follows none. */
async function pinned(
  packages: PackageHost,
  names: readonly string[],
  to: string,
): Promise<PackageWish[]> {
  const found: PackageWish[] = [];
  for (const name of names) {
    const version = followsDockerd(name)
      ? (await packages.versions(name)).find((one) => isVersion(one, to))
      : undefined;
    if (version === undefined && isDockerd(name)) {
      throw new OperatorError(
        `no ${name} ${to} can be had`,
        wordsOf(packages.manager).versions(name),
      );
    }
    found.push(version === undefined ? { name } : { name, version });
  }
  return found;
}

async function bodyOf<Body>(api: EngineApi, path: string): Promise<Body | undefined> {
  const answer = await api('GET', path).catch(() => undefined);
  return answer?.status === 200 ? (answer.body as Body) : undefined;
}

async function readParts(
  packages: PackageHost | undefined,
  version: Version | undefined,
  securityOptions: readonly string[],
): Promise<EngineParts> {
  const [installed, cli, compose, buildx, program] = await Promise.all([
    packages?.installed(packagesOfEngines) ?? [],
    versionOf(cliVersion),
    versionOf(composeVersion),
    versionOf(buildxVersion),
    whereIsDocker(),
  ]);
  const component = (name: string): string | undefined =>
    version?.Components?.find(({ Name: known }) => known === name)?.Version;
  const running: Partial<Record<PartName, string>> = JSON.parse(
    JSON.stringify({
      dockerd: version?.Version,
      containerd: component('containerd'),
      runc: component('runc'),
      cli,
      compose,
      buildx,
    }),
  ) as Partial<Record<PartName, string>>;
  const packageManager = packages?.manager;
  return partsOf(installed, running, { program, securityOptions, packageManager });
}

async function versionOf(command: Command): Promise<string | undefined> {
  const said = await exec(command, { timeoutSeconds: PROGRAM_SECONDS }).catch(() => undefined);
  return said && versionIn(said.stdout);
}

async function whereIsDocker(): Promise<string | undefined> {
  const paths = (process.env['PATH'] ?? '').split(':').map((directory) => `${directory}/docker`);
  for (const path of [...paths, '/snap/bin/docker']) {
    const found = await realpath(path).catch(() => undefined);
    // Everything in /snap/bin is a link to snap itself.
    if (found !== undefined) return path.startsWith('/snap/') ? path : found;
  }
  return undefined;
}

async function readUnit(unit: string): Promise<UnitState> {
  const command = systemctlShow(unit, ['ActiveState', 'SubState', 'Result', 'NRestarts']);
  const { stdout } = await exec(command, { timeoutSeconds: PROGRAM_SECONDS }).catch(() => ({
    stdout: '',
  }));
  const of = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const result = of('Result');
  const isFailed = result !== '' && result !== 'success';
  return {
    unit,
    state:
      stdout === '' ? 'unknown' : `${of('ActiveState')} (${isFailed ? result : of('SubState')})`,
    isRefused: result === 'start-limit-hit',
    restarts: Number(of('NRestarts') || 0),
  };
}

/** The part of `GET /containers/{id}/json` that is read. */
interface Inspected {
  readonly Name: string;
  readonly Config: { readonly Image: string; readonly Env?: readonly string[] | null };
  readonly Mounts: readonly { readonly Source?: string }[];
}

async function readClients(api: EngineApi, socket: string): Promise<EngineClient[]> {
  const sockets = await namesOf(socket);
  const listed = (await bodyOf<{ Id: string }[]>(api, '/containers/json')) ?? [];
  const inspected = await Promise.all(
    listed.map(({ Id: id }) => bodyOf<Inspected>(api, `/containers/${id}/json`)),
  );
  const containers = inspected.flatMap((one): ClientContainer[] =>
    one === undefined
      ? []
      : [
          {
            name: one.Name.replace(/^\//, ''),
            image: one.Config.Image,
            mounted: one.Mounts.flatMap(({ Source: source }) => (source ? [source] : [])),
            environment: one.Config.Env ?? [],
          },
        ],
  );
  const connections = await exec(listLocalConnections, { timeoutSeconds: PROGRAM_SECONDS }).catch(
    () => ({ stdout: '' }),
  );
  return [
    ...clientContainers(containers, sockets),
    ...clientProcesses(connections.stdout, sockets, process.pid),
  ];
}

/** `/var/run` is a link to `/run`: the socket has both names. */
async function namesOf(socket: string): Promise<string[]> {
  const link = await readlink('/var/run').catch(() => '');
  const other = socket.startsWith('/var/run/') ? socket.slice('/var'.length) : `/var${socket}`;
  return link === '' ? [socket] : [socket, other];
}
