/** One published port of a service, as `docker compose config --format json` prints it. */
export interface PublishedPort {
  readonly target?: number;
  readonly published?: string;
  readonly protocol?: string;
  readonly host_ip?: string;
}

/** One service of a resolved model. Only the fields the updater reads are named. */
export interface Service {
  readonly image?: string;
  readonly build?: unknown;
  readonly pull_policy?: string;
  readonly container_name?: string;
  readonly restart?: string;
  readonly ports?: readonly PublishedPort[];
  readonly depends_on?: Readonly<
    Record<string, { readonly condition?: string; readonly restart?: boolean }>
  >;
  readonly networks?: Readonly<Record<string, unknown>> | null;
  readonly network_mode?: string;
  readonly ipc?: string;
  readonly pid?: string;
  readonly volumes_from?: readonly string[];
  readonly scale?: number;
  readonly deploy?: { readonly replicas?: number; readonly restart_policy?: unknown };
  readonly [field: string]: unknown;
}

/** A compose project as docker compose itself resolves it (`config --format json`). */
export interface ComposeModel {
  readonly name?: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks?: Readonly<Record<string, NetworkModel | null>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
  readonly configs?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, unknown>>;
}

export interface NetworkModel {
  readonly name?: string;
  readonly external?: boolean;
  readonly [field: string]: unknown;
}

/** A port of the host that a service wants: `8082/tcp`, the address left out. */
export interface HostPort {
  readonly service: string;
  readonly port: number;
  readonly protocol: string;
  readonly hostIp: string | undefined;
}

/** Rewrites every path below `from` to the same path below `to`. */
export function relocate(model: ComposeModel, from: string, to: string): ComposeModel {
  return withTexts(model, (text) => relocatePath(text, from, to)) as ComposeModel;
}

/**
 * A model rendered below a root of its own reads as if it had been rendered below `/`, wherever in
 * a text its paths stand (`--config=${PWD}/app.conf`).
 *
 * @param root a path that nothing else in a model can contain by chance
 */
export function withoutRoot(model: ComposeModel, root: string): ComposeModel {
  const moved = (text: string): string => (text === root ? '/' : text.replaceAll(`${root}/`, '/'));
  return withTexts(model, moved) as ComposeModel;
}

/** A number that JavaScript would round, as it was written (ECMAScript proposal, in V8 since 11.4). */
export const { isRawJSON } = JSON as unknown as { isRawJSON: (value: unknown) => boolean };

/** The same value with every text in it, but for keys, put through a function. */
function withTexts(value: unknown, moved: (text: string) => string): unknown {
  if (typeof value === 'string') return moved(value);
  if (Array.isArray(value)) return value.map((inner) => withTexts(inner, moved));
  if (value === null || typeof value !== 'object' || isRawJSON(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withTexts(inner, moved)]),
  );
}

function relocatePath(text: string, from: string, to: string): string {
  if (text === from) return to;
  return text.startsWith(`${from}/`) ? to + text.slice(from.length) : text;
}

/** The host ports a model publishes; ranges (`8000-8010`) count as each of their ports. */
export function hostPorts(model: ComposeModel): HostPort[] {
  return Object.entries(model.services).flatMap(([service, { ports }]) =>
    (ports ?? []).flatMap((entry) =>
      portRange(entry.published).map((port) => ({
        service,
        port,
        protocol: entry.protocol ?? 'tcp',
        hostIp: entry.host_ip,
      })),
    ),
  );
}

function portRange(published: string | undefined): number[] {
  if (published === undefined || published === '') return [];
  const [first = NaN, last = first] = published.split('-').map(Number);
  if (!Number.isInteger(first) || !Number.isInteger(last) || last < first) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** How many containers a service has: `scale`, else `deploy.replicas`, else one. */
export function replicasOf(service: Service): number {
  return service.scale ?? service.deploy?.replicas ?? 1;
}

/**
 * The jobs of a release: services that may end with 0 and stay ended. That a service has no
 * restart policy is not enough, since a reboot ends it with 0 too: others must wait for its end,
 * or it had ended before the update, or it is new.
 */
export function jobsOf(
  model: ComposeModel,
  oldModel: ComposeModel,
  endedBefore: readonly string[],
): ReadonlySet<string> {
  const awaited = Object.values(model.services).flatMap(({ depends_on: needs }) =>
    Object.entries(needs ?? {}).flatMap(([name, { condition }]) =>
      condition === 'service_completed_successfully' ? [name] : [],
    ),
  );
  const ends = new Set([...awaited, ...endedBefore]);
  const names = Object.entries(model.services).flatMap(([name, service]) =>
    mayEnd(service) && (ends.has(name) || !Object.hasOwn(oldModel.services, name)) ? [name] : [],
  );
  return new Set(names);
}

/** Whether a service may end at all: nothing restarts it when it ends with 0. */
export function mayEnd(service: Service): boolean {
  const restart = service.restart ?? 'no';
  if (service.deploy?.restart_policy !== undefined) return false;
  return restart === 'no' || restart.startsWith('on-failure');
}

/**
 * The services whose namespace or volumes this one shares (`network_mode: service:x`,
 * `volumes_from: [x]`), each at most once: it is made anew whenever their containers are.
 */
export function sharesNamespaceWith(service: Service): string[] {
  const modes = [service.network_mode, service.ipc, service.pid];
  const shared = modes.flatMap((mode) => (mode?.startsWith('service:') ? [mode.slice(8)] : []));
  const from = (service.volumes_from ?? []).flatMap((entry) =>
    entry.startsWith('container:') ? [] : [entry.split(':')[0] ?? ''],
  );
  return [...new Set([...shared, ...from])];
}

/** The model with these services alone, and all that they depend on, however indirectly. */
export function onlyServices(model: ComposeModel, names: readonly string[]): ComposeModel {
  const kept = new Set<string>();
  const keep = (name: string): void => {
    const service = model.services[name];
    if (service === undefined || kept.has(name)) return;
    kept.add(name);
    for (const needed of Object.keys(service.depends_on ?? {})) keep(needed);
    for (const shared of sharesNamespaceWith(service)) keep(shared);
  };
  for (const name of names) keep(name);
  const services = Object.entries(model.services).filter(([name]) => kept.has(name));
  return { ...model, services: Object.fromEntries(services) };
}
