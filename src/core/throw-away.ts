import type { ComposeModel, Service } from './compose-model.ts';
import { isWithin } from './contents.ts';
import { volumeName } from './mounts.ts';
import { own } from './own.ts';

/** Where the parts of a backup are, for a cluster that is brought up from copies of them. */
export interface ThrowAway {
  /** The name of its compose project: no other has it. */
  readonly project: string;
  /** The work tree as the model knows it, and a copy that may be written to. */
  readonly workTree: string;
  readonly treeCopy: string;
  /** Copies of volumes, as directories, by the names that Docker knows the real ones by. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Image IDs by service: exactly those that ran. */
  readonly images: Readonly<Record<string, string>>;
}

/** On every container of it, so that a person knows what it is. */
const THROW_AWAY_LABEL = 'orchestrator-update.verify';

/**
 * What a service keeps: what it runs and what it needs to know. Left out is all by which it would be seen
 * from outside or reach anything outside: ports, names, devices, the namespaces and the network of the host.
 */
const KEPT = [
  'cap_add',
  'cap_drop',
  'command',
  'configs',
  'entrypoint',
  'environment',
  'extra_hosts',
  'healthcheck',
  'hostname',
  'init',
  'mem_limit',
  'platform',
  'read_only',
  'secrets',
  'security_opt',
  'shm_size',
  'stop_grace_period',
  'stop_signal',
  'sysctls',
  'tmpfs',
  'tty',
  'ulimits',
  'user',
  'working_dir',
] as const;

interface RawMount {
  readonly type?: string;
  readonly source?: string;
  readonly target?: string;
  readonly read_only?: boolean;
  readonly [field: string]: unknown;
}

/**
 * The model of a backup as a cluster of its own beside the real one: other names, copied data, one network that leads nowhere.
 */
export function throwAwayModel(model: ComposeModel, where: ThrowAway): ComposeModel {
  const services = Object.entries(model.services).map(
    ([name, service]) => [name, serviceFor(name, service, model, where)] as const,
  );
  const moved = (section: Readonly<Record<string, unknown>> | undefined) =>
    Object.fromEntries(
      Object.entries(section ?? {}).map(([key, value]) => [key, movedFile(value, where)]),
    );
  return {
    name: where.project,
    services: Object.fromEntries(services),
    networks: { default: { internal: true } },
    // Those that are not in the backup begin empty.
    volumes: Object.fromEntries(Object.keys(model.volumes ?? {}).map((key) => [key, {}])),
    configs: moved(model.configs),
    secrets: moved(model.secrets),
  };
}

function serviceFor(
  name: string,
  service: Service,
  model: ComposeModel,
  where: ThrowAway,
): Service {
  const kept = KEPT.flatMap((key) => (service[key] === undefined ? [] : [[key, service[key]]]));
  const aliases = [...new Set([name, ...aliasesOf(service)])];
  const image = own(where.images, name) ?? service.image;
  return {
    ...Object.fromEntries(kept),
    ...(image === undefined ? {} : { image }),
    ...(service.depends_on === undefined ? {} : { depends_on: service.depends_on }),
    restart: 'no',
    labels: { [THROW_AWAY_LABEL]: model.name ?? '' },
    networks: { default: { aliases } },
    volumes: mountsFor(service, model, where),
  };
}

/** By the name of its container, too, others may know it. */
function aliasesOf(service: Service): string[] {
  const of = Object.values(service.networks ?? {}).flatMap((network) => {
    const { aliases } = (network ?? {}) as { aliases?: readonly string[] };
    return aliases ?? [];
  });
  return [...of, ...(service.container_name === undefined ? [] : [service.container_name])];
}

/** Sockets of the host are not for it; directories of the host it can only read. */
const NOT_FOR_IT = /^\/(dev|proc|sys|run|var\/run)(\/|$)/;

function mountsFor(service: Service, model: ComposeModel, where: ThrowAway): RawMount[] {
  const mounts = Array.isArray(service['volumes']) ? (service['volumes'] as RawMount[]) : [];
  return mounts.flatMap((mount): RawMount[] => {
    if (mount.source === undefined) return [mount];
    if (mount.type === 'volume') {
      const copy = own(where.volumes, volumeName(model, mount.source));
      if (copy === undefined) return [mount];
      const { target = '', read_only: isReadOnly = false } = mount;
      return [{ type: 'bind', source: copy, target, read_only: isReadOnly }];
    }
    if (mount.type !== 'bind') return [mount];
    if (isWithin(mount.source, where.workTree)) {
      return [{ ...mount, source: movedPath(mount.source, where) }];
    }
    return NOT_FOR_IT.test(mount.source) ? [] : [{ ...mount, read_only: true }];
  });
}

function movedFile(value: unknown, where: ThrowAway): unknown {
  const { name: _, ...rest } = (value ?? {}) as { name?: string; file?: string };
  return rest.file === undefined ? rest : { ...rest, file: movedPath(rest.file, where) };
}

function movedPath(path: string, { workTree, treeCopy }: ThrowAway): string {
  return isWithin(path, workTree) ? `${treeCopy}${path.slice(workTree.length)}` : path;
}

/**
 * The URLs that are probed of the real cluster, as they are answered by a cluster of its own: the port that
 * a container listens on, at its address. Those of nobody in it are left out.
 */
export function urlsInside(
  urls: readonly string[],
  model: ComposeModel,
  addresses: Readonly<Record<string, string | undefined>>,
): string[] {
  return urls.flatMap((text) => {
    const url = new URL(text);
    if (!['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) return [];
    const wanted = url.port || (url.protocol === 'https:' ? '443' : '80');
    for (const [name, { ports = [] }] of Object.entries(model.services)) {
      const port = ports.find(({ published }) => published === wanted);
      const address = own(addresses, name);
      if (port?.target === undefined || !address) continue;
      url.hostname = address;
      url.port = String(port.target);
      return [url.href];
    }
    return [];
  });
}
