import type { ComposeModel, Service } from './compose-model.ts';

/** One mount of a service, as `docker compose config --format json` prints it. */
export interface Mount {
  readonly type: string;
  /** The path on the host of a bind, Docker's own name of a volume; undefined for an anonymous one. */
  readonly source: string | undefined;
  readonly target: string;
  /** Whether compose makes the source of a bind where it is missing (the short syntax asks for it). */
  readonly makesSource: boolean;
  readonly isReadOnly: boolean;
}

/** What a service mounts under `volumes`; named volumes by the names that Docker knows them by. */
export function mountsOf(model: ComposeModel, service: Service): Mount[] {
  const entries = Array.isArray(service['volumes']) ? service['volumes'] : [];
  return (entries as readonly RawMount[]).map(
    ({ type = 'volume', source, target = '', read_only: isReadOnly = false, bind }) => ({
      type,
      source: type === 'volume' && source !== undefined ? volumeName(model, source) : source,
      target,
      makesSource: bind?.create_host_path === true,
      isReadOnly,
    }),
  );
}

interface RawMount {
  readonly type?: string;
  readonly source?: string;
  readonly target?: string;
  readonly read_only?: boolean;
  readonly bind?: { readonly create_host_path?: boolean } | null;
}

/** Binds of a service: what it mounts of the host. */
export function bindsOf(model: ComposeModel, service: Service): Mount[] {
  return mountsOf(model, service).filter(({ type }) => type === 'bind');
}

/** The named volumes a service mounts; a service that has one holds data. */
export function namedVolumesOf(model: ComposeModel, service: Service): Mount[] {
  return mountsOf(model, service).filter(
    ({ type, source }) => type === 'volume' && source !== undefined,
  );
}

/** Whether a driver, or its options, keep the data of a volume elsewhere. */
function isElsewhere(definition: unknown): boolean {
  const { driver = 'local', driver_opts: options } = (definition ?? {}) as {
    driver?: string;
    driver_opts?: object;
  };
  return driver !== 'local' || Object.keys(options ?? {}).length > 0;
}

/** The volumes that services mount and whose data Docker itself keeps, without a driver's options; by Docker's names. */
export function keptVolumesOf(model: ComposeModel): string[] {
  const mounted = new Set(
    Object.values(model.services).flatMap((service) =>
      namedVolumesOf(model, service).map(({ source }) => source),
    ),
  );
  return Object.entries(model.volumes ?? {})
    .filter(([, definition]) => !isElsewhere(definition))
    .map(([key]) => volumeName(model, key))
    .filter((name) => mounted.has(name));
}

/** Docker's name of a volume of the model. */
export function volumeName(model: ComposeModel, key: string): string {
  const { name } = (model.volumes?.[key] ?? {}) as { name?: string };
  return name ?? `${model.name ?? ''}_${key}`;
}
