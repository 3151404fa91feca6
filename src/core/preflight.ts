import { hostPorts, type ComposeModel, type HostPort, type Service } from './compose-model.ts';
import { unknownFeatures } from './engine-features.ts';
import { megabytes } from './megabytes.ts';
import { volumeName } from './mounts.ts';

/** Something on this host that would keep a release from coming up. */
export interface Problem {
  readonly check: 'images' | 'disk' | 'ports' | 'mounts' | 'external' | 'engine';
  readonly problem: string;
  /** What to type, or to mend. */
  readonly next: string;
}

/** What a registry says of an image. */
export interface RemoteImage {
  /** `unknown` where it gave no clear answer: the pull will. */
  readonly status: 'there' | 'absent' | 'unknown';
  readonly detail: string;
  /** Of what the reference means there now; absent where the registry does not say. */
  readonly digest?: string;
  /** `linux/amd64`, with a variant where it has one; none where the registry does not say. */
  readonly platforms: readonly string[];
  /** Layers that have to be brought, by digest: their bytes as they are sent. */
  readonly layers: Readonly<Record<string, number>>;
}

/** What the Docker engine of this host can do. */
export interface EngineFacts {
  /** `linux/amd64`. */
  readonly platform: string;
  /** Where it keeps images and volumes. */
  readonly rootDirectory: string;
  readonly runtimes: readonly string[];
  readonly volumeDrivers: readonly string[];
  readonly networkDrivers: readonly string[];
  readonly logDrivers: readonly string[];
  /** Registries, and networks of them (`10.0.0.0/8`), that it speaks plain HTTP with, or asks for no certificate. */
  readonly insecureRegistries: readonly string[];
  /** `1.45`; empty where it does not say. */
  readonly apiVersion: string;
}

/** Networks and volumes that a model takes for granted, by Docker's own names. */
export function externalsOf(model: ComposeModel): { networks: string[]; volumes: string[] } {
  const external = (section: 'networks' | 'volumes'): string[] =>
    Object.entries(model[section] ?? {}).flatMap(([key, definition]) => {
      const { external: isExternal, name } = (definition ?? {}) as External;
      return isExternal === true
        ? [name ?? (section === 'volumes' ? volumeName(model, key) : key)]
        : [];
    });
  return { networks: external('networks'), volumes: external('volumes') };
}

interface External {
  readonly external?: boolean;
  readonly name?: string;
  readonly driver?: string;
}

/** Host ports that two services of one release want, where their addresses meet. */
export function portClashes(model: ComposeModel): Problem[] {
  const all = hostPorts(model);
  return all.flatMap((one, index) =>
    all.slice(index + 1).flatMap((other): Problem[] => {
      if (one.service === other.service || !meet(one, other)) return [];
      return [
        {
          check: 'ports',
          problem: `services ${one.service} and ${other.service} both want port ${one.port}/${one.protocol} of this host`,
          next: 'give one of them another published port in the compose file, and push',
        },
      ];
    }),
  );
}

function isAny(ip: string | undefined): boolean {
  return ip === undefined || ip === '' || ip === '0.0.0.0' || ip === '::';
}

function meet(one: HostPort, other: HostPort): boolean {
  const isSameAddress = one.hostIp === other.hostIp || isAny(one.hostIp) || isAny(other.hostIp);
  return one.port === other.port && one.protocol === other.protocol && isSameAddress;
}

/** Secrets and configs that compose cannot bring: it has no store of them, only files and values. */
export function unsupportedObjects(model: ComposeModel): Problem[] {
  return (['secrets', 'configs'] as const).flatMap((section) =>
    Object.entries(model[section] ?? {}).flatMap(([name, definition]): Problem[] =>
      ((definition ?? {}) as External).external === true
        ? [
            {
              check: 'external',
              problem: `${section.slice(0, -1)} ${name} is external, which docker compose cannot give to a container`,
              next: 'give it a file, and push',
            },
          ]
        : [],
    ),
  );
}

/** A problem where something is asked for by name that is not among what is known. */
function lacks(what: string, name: unknown, known: readonly string[]): Problem[] {
  const isKnown =
    typeof name !== 'string' || known.some((one) => one === name || one === `${name}:latest`);
  if (isKnown || known.length === 0) return [];
  return [
    {
      check: 'engine',
      problem: `${what} ${name}, which this Docker engine does not have (it has ${known.join(', ')})`,
      next: 'docker info; install what is missing, or mend the compose file and push',
    },
  ];
}

/** Drivers and runtimes that a model asks for and the engine does not have. */
export function engineProblems(model: ComposeModel, engine: EngineFacts): Problem[] {
  return [
    ...Object.entries(model.volumes ?? {}).flatMap(([key, one]) =>
      lacks(
        `volume ${key} wants the driver`,
        ((one ?? {}) as External).driver,
        engine.volumeDrivers,
      ),
    ),
    ...Object.entries(model.networks ?? {}).flatMap(([key, one]) =>
      lacks(`network ${key} wants the driver`, one?.['driver'], engine.networkDrivers),
    ),
    ...Object.entries(model.services).flatMap(([name, service]) => [
      ...lacks(`service ${name} wants the runtime`, service['runtime'], engine.runtimes),
      ...lacks(
        `service ${name} wants the log driver`,
        (service['logging'] as External | undefined)?.driver,
        engine.logDrivers,
      ),
      ...featureProblems(name, service, engine),
    ]),
  ];
}

function featureProblems(name: string, service: Service, { apiVersion }: EngineFacts): Problem[] {
  if (apiVersion === '') return [];
  return unknownFeatures(service, apiVersion).map((what) => ({
    check: 'engine',
    problem: `service ${name} wants ${what}`,
    next: 'docker version; upgrade the engine, or mend the compose file and push',
  }));
}

/** What a registry's answer about an image that has to be pulled means; nothing where all is well. */
export function imageProblem(
  reference: string,
  platform: string,
  { status, detail, platforms }: RemoteImage,
): Problem | undefined {
  if (status === 'absent') {
    return {
      check: 'images',
      problem: `the image ${reference} cannot be pulled: ${detail}`,
      next: `docker pull ${reference}`,
    };
  }
  const [os, architecture] = platform.split('/');
  const fits = platforms.some((one) => one === platform || one.startsWith(`${os}/${architecture}`));
  if (platforms.length === 0 || fits) return undefined;
  return {
    check: 'images',
    problem: `the image ${reference} is not there for ${platform}, only for ${platforms.join(', ')}`,
    next: 'build it for this platform, or name another in the compose file, and push',
  };
}

/** What a disk has and what is to go onto it, in bytes. */
export interface DiskNeed {
  readonly path: string;
  readonly device: number;
  readonly freeBytes: number;
  readonly neededBytes: number;
}

/** Layers take about this many times the room unpacked that they take on their way (gzip of programs). */
export const UNPACKED_FACTOR = 3;

/** Disks that have no room for all that goes onto them together. */
export function diskProblems(needs: readonly DiskNeed[]): Problem[] {
  const byDevice = Map.groupBy(needs, ({ device }) => device);
  return [...byDevice.values()].flatMap((same): Problem[] => {
    const needed = same.reduce((sum, { neededBytes }) => sum + neededBytes, 0);
    const free = Math.min(...same.map(({ freeBytes }) => freeBytes));
    if (needed <= free) return [];
    const parts = same.map(({ path, neededBytes }) => `${megabytes(neededBytes)} in ${path}`);
    return [
      {
        check: 'disk',
        problem: `no room for this release: ${parts.join(' and ')} needed, ${megabytes(free)} free`,
        next: 'make room: docker system df; docker image prune; remove old backups or lower backup.keep',
      },
    ];
  });
}
