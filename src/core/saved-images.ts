import type { ComposeModel, Service } from './compose-model.ts';

/** What Docker says of an image that this host has. */
export interface ImageFacts {
  readonly id: string;
  /** What a registry gives the same image back for: `name@sha256:…`. */
  readonly digests: readonly string[];
  /** Its names here. */
  readonly tags: readonly string[];
  readonly sizeBytes: number;
}

/** An image that no registry can give back: a file of the backup that `docker image load` reads. */
export interface SavedImage {
  readonly id: string;
  /** In the backup: `images/0123456789ab.tar`. */
  readonly file: string;
  readonly services: readonly string[];
  /** What the release calls it. */
  readonly references: readonly string[];
  /** As Docker tells it; the file is about as large. */
  readonly sizeBytes: number;
}

/** The images of a release, as a backup keeps them. */
export interface ReleaseImages {
  /** By service. */
  readonly digests: Readonly<Record<string, readonly string[]>>;
  readonly saved: readonly SavedImage[];
  /** What neither a registry nor the backup has. */
  readonly leftOut: readonly { readonly subject: string; readonly why: string }[];
}

const SHORT_ID = 12;

/** Where in a backup the file of an image is. */
function fileOfImage(id: string): string {
  return `images/${id.replace(/^sha256:/, '').slice(0, SHORT_ID)}.tar`;
}

/** What a service runs: compose names the image of one that is built after the project and it. */
export function imageOf(model: ComposeModel, name: string, { image }: Service): string {
  return image ?? `${model.name ?? ''}-${name}`;
}

/**
 * Tells the images of a release that a registry gives back from those that have to be saved: such as are
 * built here, and such as no registry has a digest of.
 *
 * @param images IDs by service
 * @param facts by ID; undefined of an image that this host has not any more
 * @param mode `none`: no image is saved
 */
export function releaseImages(
  model: ComposeModel,
  images: Readonly<Record<string, string>>,
  facts: Readonly<Record<string, ImageFacts | undefined>>,
  mode: 'local' | 'none',
): ReleaseImages {
  const saved = new Map<string, SavedImage>();
  const digests: Record<string, readonly string[]> = {};
  const leftOut: { subject: string; why: string }[] = [];
  const services = Object.entries(model.services).toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, service] of services) {
    const id = Object.hasOwn(images, name) ? images[name] : undefined;
    if (id === undefined) continue;
    const found = facts[id];
    const reference = imageOf(model, name, service);
    const subject = `image ${reference} of service ${name}`;
    if (found === undefined) {
      leftOut.push({ subject, why: `it is not on this host any more (${id})` });
      continue;
    }
    digests[name] = found.digests;
    if (service.build === undefined && found.digests.length > 0) continue;
    if (mode === 'none') {
      leftOut.push({ subject, why: 'backup.images says so' });
      continue;
    }
    saved.set(id, withService(saved.get(id), found, name, reference));
  }
  return { digests, saved: [...saved.values()], leftOut };
}

function withService(
  before: SavedImage | undefined,
  { id, sizeBytes }: ImageFacts,
  service: string,
  reference: string,
): SavedImage {
  const { services = [], references = [] } = before ?? {};
  return {
    id,
    file: fileOfImage(id),
    services: [...services, service],
    references: [...new Set([...references, reference])],
    sizeBytes,
  };
}

/** The bytes of images as files. */
export function bytesOfImages(images: readonly SavedImage[] = []): number {
  return images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/**
 * The room that images need in a backup that is begun with the files of another.
 *
 * @param there images that the other has
 * @param freesRest whether those of them that are not wanted any more leave their room
 */
export function roomForImages(
  images: readonly SavedImage[],
  there: readonly SavedImage[] = [],
  freesRest = false,
): number {
  const without = (some: readonly SavedImage[], others: readonly SavedImage[]): SavedImage[] =>
    some.filter(({ id }) => !others.some((other) => other.id === id));
  const needed = bytesOfImages(without(images, there));
  const freed = freesRest ? bytesOfImages(without(there, images)) : 0;
  return Math.max(0, needed - freed);
}
