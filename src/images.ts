import { sameValue } from './core/canonical-json.ts';
import type { ComposeModel } from './core/compose-model.ts';
import type { ImageVolumes } from './core/image-volumes.ts';
import type { Container } from './core/observe.ts';
import { own } from './core/own.ts';
import { imageOf, releaseImages, type ReleaseImages } from './core/saved-images.ts';
import type { Host } from './host/host.ts';

/** The IDs of the images that a model names and this host has, by reference. */
export async function imageIds(host: Host, model: ComposeModel): Promise<Record<string, string>> {
  const references = [
    ...new Set(Object.values(model.services).flatMap(({ image }) => image ?? [])),
  ];
  const ids = await Promise.all(references.map((reference) => host.engine.imageId(reference)));
  const known = references.map((reference, index) => [reference, ids[index]] as const);
  return Object.fromEntries(
    known.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/**
 * The images of a release as a backup keeps them.
 *
 * @param images IDs by service
 * @param mode which of them are saved: `backup.images`
 * @param known by service: what a registry has an image as, which has lost its name on this host
 */
export async function imagesForBackup(
  host: Host,
  model: ComposeModel,
  images: Readonly<Record<string, string>>,
  mode: 'local' | 'none',
  known: Readonly<Record<string, string>> = {},
): Promise<ReleaseImages> {
  const ids = [...new Set(Object.values(images))];
  const facts = await Promise.all(
    ids.map(async (id) => {
      const found = await host.engine.imageFacts(id);
      const names = Object.keys(images).flatMap((name) =>
        images[name] === id ? (own(known, name) ?? []) : [],
      );
      return [
        id,
        found && { ...found, digests: [...new Set([...found.digests, ...names])] },
      ] as const;
    }),
  );
  return releaseImages(model, images, Object.fromEntries(facts), mode);
}

/**
 * Where the images of services keep data, for those that get another one; one that is not on this host
 * yet is known once it is pulled.
 */
export async function volumesOfImages(
  host: Host,
  model: ComposeModel,
  containers: readonly Container[],
  ids: Readonly<Record<string, string>>,
): Promise<Record<string, ImageVolumes>> {
  const byService = new Map(containers.map(({ service, imageId }) => [service, imageId]));
  const found = await Promise.all(
    Object.entries(model.services).map(async ([name, service]) => {
      const [old, now] = [byService.get(name), imageOf(model, name, service)];
      if (old === undefined || own(ids, now) === old) return [];
      const [before, after] = await Promise.all([
        host.engine.imageVolumes(old),
        host.engine.imageVolumes(now),
      ]);
      return before && after ? [[name, { before, after }] as const] : [];
    }),
  );
  return Object.fromEntries(found.flat());
}

/**
 * Services with a `build` that is told otherwise, whose context has changed files, or whose image
 * is not there.
 */
export async function servicesToBuild(
  host: Host,
  release: { before: ComposeModel; after: ComposeModel; changedPaths: readonly string[] },
): Promise<string[]> {
  const { before, after, changedPaths } = release;
  const built = Object.entries(after.services).filter(([, service]) => service.build !== undefined);
  const needed = await Promise.all(
    built.map(async ([name, service]) => {
      const image = imageOf(after, name, service);
      const context = (service.build as { context?: string }).context ?? '';
      const old = before.services[name]?.build;
      const isOther = old !== undefined && !sameValue(old, service.build);
      const changed = changedPaths.some((path) =>
        touchesContext(`${host.git.directory}/${path}`, context),
      );
      return isOther || changed || (await host.engine.imageId(image)) === undefined ? [name] : [];
    }),
  );
  return needed.flat();
}

/** Whether a changed path lies in a build context, or is a submodule that holds one. */
function touchesContext(path: string, context: string): boolean {
  return path === context || path.startsWith(`${context}/`) || context.startsWith(`${path}/`);
}
