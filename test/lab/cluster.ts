import { stringify } from 'yaml';

/** The services the lab has images for, and the port each serves `/health` on. */
export const servicePorts = {
  orchestrator: 8082,
  neurosync_s1: 5001,
  knowledge: 8200,
  reporter: 8300,
} as const;

/** The services of the cluster as every host starts with it. */
export const startServices = ['orchestrator', 'neurosync_s1', 'knowledge'] as const;

/** How a service differs from the lab's usual one. */
export type ServiceChange = {
  /** Image tag: v1 … v4, or one published later; v1 unless told. */
  tag?: string;
  /** Whole image reference, instead of `tag`. */
  image?: string;
  /** Port inside the container; needed for a service the lab does not know. */
  port?: number;
  /** Port on the host; the same as `port` unless told, `null` publishes none. */
  hostPort?: number | null;
  /** `null` leaves the name to compose. */
  containerName?: string | null;
  /** How the service behaves: see `files/svc.sh`. */
  mode?: 'ok' | 'unhealthy' | 'exit' | 'hang-term';
  startDelaySeconds?: number;
  stopDelaySeconds?: number;
  environment?: Record<string, string>;
  /** More volumes, after the service's own `<service>_data:/data` and `./config:/config:ro`. */
  volumes?: string[];
  /** Instead of `[backend]`. */
  networks?: string[] | Record<string, unknown>;
  /** `null` removes the healthcheck. */
  healthcheck?: Record<string, unknown> | null;
  /** Any other compose key (ulimits, restart, depends_on, profiles, labels …); wins over everything above. */
  extra?: Record<string, unknown>;
};

export type ClusterChange = {
  /** Tag for every service that does not say otherwise; v1 unless told. */
  tag?: string;
  /** Per-service changes: a name that is not there yet is added, `null` removes the service. */
  services?: Record<string, ServiceChange | null>;
  /** Top-level networks; `{ backend: {} }` unless told. */
  networks?: Record<string, Record<string, unknown>>;
  /** Top-level volumes, merged over the `<service>_data` ones; `null` removes one. */
  volumes?: Record<string, Record<string, unknown> | null>;
  /** Any other top-level key (configs, secrets, x-…). */
  extra?: Record<string, unknown>;
};

/** The compose file of the lab's cluster, as YAML. */
export function composeFile(change: ClusterChange = {}): string {
  return stringify(composeModel(change), { lineWidth: 0 });
}

/** The compose model of the lab's cluster, as plain data. */
function composeModel(change: ClusterChange = {}): Record<string, unknown> {
  const wanted: Record<string, ServiceChange | null> = {
    ...Object.fromEntries(startServices.map((name) => [name, {}])),
    ...change.services,
  };
  const services: Record<string, unknown> = {};
  const volumes: Record<string, unknown> = {};
  for (const [name, service] of Object.entries(wanted)) {
    if (service === null) continue;
    services[name] = serviceModel(name, { tag: change.tag ?? 'v1', ...service });
    volumes[`${name}_data`] = {};
  }
  for (const [name, volume] of Object.entries(change.volumes ?? {})) {
    if (volume === null) delete volumes[name];
    else volumes[name] = volume;
  }
  const networks = change.networks ?? { backend: {} };
  return { name: 'autonomy', services, volumes, networks, ...change.extra };
}

function serviceModel(name: string, service: ServiceChange): Record<string, unknown> {
  const port = service.port ?? portOf(name);
  const hostPort = service.hostPort === undefined ? port : service.hostPort;
  const containerName = service.containerName === undefined ? nameOf(name) : service.containerName;
  const probe = ['CMD', '/bin/busybox', 'wget', '-q', '-O-', `http://127.0.0.1:${port}/health`];
  const usualCheck = {
    test: probe,
    interval: '1s',
    timeout: '1s',
    retries: 3,
    start_period: '5s',
  };
  const healthcheck = service.healthcheck === undefined ? usualCheck : service.healthcheck;
  return {
    image: service.image ?? `registry.lab:5000/${name}:${service.tag}`,
    ...(containerName === null ? {} : { container_name: containerName }),
    restart: 'unless-stopped',
    ...(hostPort === null ? {} : { ports: [`${hostPort}:${port}`] }),
    environment: environmentOf(name, port, service),
    volumes: [`${name}_data:/data`, './config:/config:ro', ...(service.volumes ?? [])],
    networks: service.networks ?? ['backend'],
    ...(healthcheck === null ? {} : { healthcheck }),
    ...service.extra,
  };
}

function environmentOf(name: string, port: number, service: ServiceChange): Record<string, string> {
  return {
    NAME: name,
    PORT: String(port),
    DATA: '/data',
    ...(name === 'knowledge' ? { GREETING: `\${GREETING:-none}` } : {}),
    ...(service.mode === undefined ? {} : { MODE: service.mode }),
    ...(service.startDelaySeconds === undefined
      ? {}
      : { START_DELAY: String(service.startDelaySeconds) }),
    ...(service.stopDelaySeconds === undefined
      ? {}
      : { STOP_DELAY: String(service.stopDelaySeconds) }),
    ...service.environment,
  };
}

function portOf(name: string): number {
  const port = new Map<string, number>(Object.entries(servicePorts)).get(name);
  if (port !== undefined) return port;
  throw new Error(`the lab knows no port for service ${name}: give one with \`port\``);
}

const nameOf = (service: string): string =>
  service === 'orchestrator' ? 'autonomy-orchestrator' : service;
