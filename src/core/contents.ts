import type { ComposeModel } from './compose-model.ts';

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

interface Mount {
  readonly type?: string;
  readonly source?: string;
}

/** Files and directories of the host that a service mounts, or that its configs and secrets come from. */
export function mountedPaths(model: ComposeModel, name: string): string[] {
  const service = model.services[name];
  const list = (field: string): readonly Mount[] =>
    Array.isArray(service?.[field]) ? (service[field] as readonly Mount[]) : [];
  const binds = list('volumes').flatMap(({ type, source }) =>
    type === 'bind' && source !== undefined ? [source] : [],
  );
  const files = (['configs', 'secrets'] as const).flatMap((section) =>
    list(section).flatMap(({ source }) => fileOf(model[section]?.[source ?? '']) ?? []),
  );
  return [...binds, ...files];
}

/** The directory a service's image is built from; undefined where none is, or it is a URL. */
export function buildContext(model: ComposeModel, name: string): string | undefined {
  const { context } = (model.services[name]?.build ?? {}) as { context?: string };
  return context?.startsWith('/') === true ? context : undefined;
}

function fileOf(definition: unknown): string | undefined {
  return (definition as { file?: string } | null | undefined)?.file;
}

/** Whether a path is a directory or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory.replace(/\/$/, '')}/`);
}
