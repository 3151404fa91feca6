import { sameValue } from './canonical-json.ts';
import type { ComposeModel, Service } from './compose-model.ts';
import type { Change } from './diff.ts';
import { bindsOf, volumeName } from './mounts.ts';
import { onFileChange, type OnFileChange } from './on-file-change.ts';
import { own } from './own.ts';
import type { Step } from './plan.ts';

/** A service that reads files which differ between two releases. */
export interface ContentsChange {
  readonly service: string;
  /** Absolute paths, as they are in the live tree. */
  readonly paths: readonly string[];
}

/**
 * Services that mount files of the repository which changed: bind mounts, and the files behind
 * `configs` and `secrets`. Compose's hash leaves contents out, and git replaces the inode that a
 * mounted file is bound to, so neither compose nor the container would notice (design rule 5).
 *
 * @param changedPaths absolute; a submodule that moved is its directory
 */
export function contentsChanged(
  model: ComposeModel,
  changedPaths: readonly string[],
): ContentsChange[] {
  return Object.keys(model.services).flatMap((service) => {
    const sources = mountedPaths(model, service);
    const paths = changedPaths.filter((path) =>
      sources.some((source) => isWithin(path, source) || isWithin(source, path)),
    );
    return paths.length > 0 ? [{ service, paths }] : [];
  });
}

/**
 * Services of the new release that use a config, a secret or a volume which is defined otherwise.
 * Compose's hash leaves those definitions out: it would leave the services as they are.
 */
export function definitionsChanged(before: ComposeModel, after: ComposeModel): ContentsChange[] {
  return Object.entries(after.services).flatMap(([service, definition]) => {
    const paths = [
      ...(['configs', 'secrets'] as const).flatMap((section) =>
        usedObjects(definition, section)
          .filter((name) => isRedefined(before[section], after[section], name))
          .map((name) => `${section.slice(0, -1)} ${name}`),
      ),
      ...usedVolumes(definition)
        .filter((name) => own(before.volumes, name) !== undefined)
        .filter((name) => volumeName(before, name) !== volumeName(after, name))
        .map((name) => `volume ${name}`),
    ];
    return paths.length > 0 ? [{ service, paths }] : [];
  });
}

/** One change for each service, with all that was found. */
export function mergeContents(found: readonly ContentsChange[]): ContentsChange[] {
  return [...Map.groupBy(found, ({ service }) => service)].map(([service, changes]) => ({
    service,
    paths: changes.flatMap(({ paths }) => paths),
  }));
}

type Objects = Readonly<Record<string, unknown>> | undefined;

function isRedefined(before: Objects, after: Objects, name: string): boolean {
  const old = own(before, name);
  return old !== undefined && !sameValue(old, own(after, name));
}

/** The configs or secrets a service is given, by their names in the model. */
function usedObjects(service: Service, section: 'configs' | 'secrets'): string[] {
  return sourcesIn(service[section]).map(({ source }) => source);
}

/** The named volumes a service mounts, by their names in the model. */
function usedVolumes(service: Service): string[] {
  return sourcesIn(service['volumes']).flatMap(({ type = 'volume', source }) =>
    type === 'volume' ? [source] : [],
  );
}

function sourcesIn(entries: unknown): { readonly type?: string; readonly source: string }[] {
  if (!Array.isArray(entries)) return [];
  return (entries as readonly { readonly type?: string; readonly source?: string }[]).flatMap(
    ({ source, ...rest }) => (source === undefined ? [] : [{ ...rest, source }]),
  );
}

/** A service that reads what changed, and what its label says is to be done about it. */
export interface ContentsAction extends ContentsChange {
  readonly on?: OnFileChange;
}

/**
 * What is done about a change of what a service reads. A definition that changed needs another
 * container, whatever the label says. So does a volume; and a file that is mounted by itself is
 * seen through the old container until it is started again, so a signal becomes a restart.
 */
export function withAction(model: ComposeModel, change: ContentsChange): ContentsAction {
  const wish = onFileChange(model.services[change.service] ?? {}) ?? { do: 'recreate' };
  if (change.paths.some((path) => !path.startsWith('/')))
    return { ...change, on: { do: 'recreate' } };
  const files = new Set(mountedPaths(model, change.service));
  const isBlind = wish.do === 'signal' && change.paths.some((path) => files.has(path));
  return { ...change, on: isBlind ? { do: 'restart' } : wish };
}

/** The changes of what services read, among all changes of a release. */
export function contentsIn(changes: readonly Change[]): ContentsAction[] {
  return changes.flatMap((change) => (change.kind === 'contents' ? [change] : []));
}

/** Services that are made anew only because what they use changed. */
export function recreatedServices(changes: readonly Change[]): string[] {
  return contentsIn(changes).flatMap(({ service, on }) =>
    on === undefined || on.do === 'recreate' ? [service] : [],
  );
}

/** The steps that have services read their files again. */
export function refreshSteps(readers: readonly ContentsAction[]): Step[] {
  const named = (what: 'recreate' | 'restart'): string[] =>
    readers.flatMap(({ service, on }) => ((on?.do ?? 'recreate') === what ? [service] : []));
  const [recreated, restarted] = [named('recreate'), named('restart')];
  return [
    ...(recreated.length > 0 ? [{ do: 'recreate', services: recreated } as const] : []),
    ...(restarted.length > 0 ? [{ do: 'restart', services: restarted } as const] : []),
    ...readers.flatMap(({ service, on }) =>
      on?.do === 'signal' ? [{ do: 'signal', service, signal: on.signal } as const] : [],
    ),
  ];
}

/** Files and directories of the host that a service mounts, or that its configs and secrets come from. */
export function mountedPaths(model: ComposeModel, name: string): string[] {
  const service = model.services[name] ?? {};
  const files = (['configs', 'secrets'] as const).flatMap((section) =>
    usedObjects(service, section).flatMap((one) => fileOf(model[section]?.[one]) ?? []),
  );
  // A volume can be a bind under another name.
  const devices = usedVolumes(service).flatMap((one) => {
    const { driver_opts: options } = (own(model.volumes, one) ?? {}) as {
      driver_opts?: { o?: string; device?: string };
    };
    const isBind = options?.o?.split(',').includes('bind') ?? false;
    return isBind && options?.device?.startsWith('/') === true ? [options.device] : [];
  });
  return [...bindsOf(model, service).flatMap(({ source }) => source ?? []), ...devices, ...files];
}

/** Files and directories that a service's image is made of: contexts, and a Dockerfile outside of them. */
export function buildPaths(model: ComposeModel, name: string): string[] {
  const { dockerfile, additional_contexts: more = {} } = (model.services[name]?.build ?? {}) as {
    dockerfile?: string;
    additional_contexts?: Readonly<Record<string, string>>;
  };
  const context = buildContext(model, name);
  const file =
    context !== undefined && dockerfile !== undefined && !dockerfile.startsWith('/')
      ? [resolved(`${context}/${dockerfile}`)]
      : [dockerfile ?? ''];
  return [context ?? '', ...Object.values(more), ...file].filter((path) => path.startsWith('/'));
}

/** A path without `.` and `..`. */
function resolved(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The directory a service's image is built from; undefined where none is, or it is a URL. */
export function buildContext(model: ComposeModel, name: string): string | undefined {
  const { context } = (model.services[name]?.build ?? {}) as { context?: string };
  return context?.startsWith('/') === true ? context : undefined;
}

/** The file a config or a secret comes from, where it is one. */
export function fileOf(definition: unknown): string | undefined {
  return (definition as { file?: string } | null | undefined)?.file;
}

/** Whether a path is a directory or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory.replace(/\/$/, '')}/`);
}
