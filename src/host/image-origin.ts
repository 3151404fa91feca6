import { millisecondsOf } from '../core/moment.ts';
import { own } from '../core/own.ts';
import { repositoryOf, type Repository } from '../core/registry.ts';
import { originKey, originIn, type Origin } from '../core/registry-memory.ts';
import type { LocalImage } from './local-image.ts';
import type { RegistryImages } from './registry-images.ts';

/** What is known of where images came from. */
export interface OriginParts {
  readonly images: Pick<RegistryImages, 'knows'>;
  readonly origins: {
    /** What looks before this one found out, by `originKey`. */
    readonly before: Readonly<Record<string, Origin>>;
    /** What this one does. */
    readonly fresh: Record<string, Origin>;
  };
  readonly now: Date;
}

const MOST_ASKED = 3;
const REFRESH_MS = 86_400_000;

/**
 * Whether Docker says that an image came from a repository. In containerd's store it gives every image a digest under
 * every name, also what was built here and is called like a stranger's image.
 */
function isNamed(repository: Repository, { pulledFrom }: LocalImage): boolean {
  return pulledFrom.some((name) => {
    const { host, path } = repositoryOf(name);
    return host === repository.host && path === repository.path;
  });
}

/** The same without a request; undefined where the repository has to be asked. */
export function knownOrigin(
  { origins, now }: OriginParts,
  repository: Repository,
  local: LocalImage,
): boolean | undefined {
  if (isNamed(repository, local)) return true;
  const key = originKey(repository, local.id);
  if (own(origins.fresh, key)) return own(origins.fresh, key)?.isKnown;
  return originIn(origins.before, key, now.getTime())?.isKnown;
}

/** Whether the image here is one of the repository's. @throws {LookError} where that cannot be learned */
export async function isFrom(
  parts: OriginParts,
  repository: Repository,
  local: LocalImage,
): Promise<boolean> {
  const known = knownOrigin(parts, repository, local);
  if (known !== undefined) return known;
  let isKnown = false;
  for (const digest of local.digests.slice(0, MOST_ASKED)) {
    isKnown ||= await parts.images.knows(repository, digest);
  }
  noteOrigin(parts, repository, local.id, isKnown);
  return isKnown;
}

/** The registry has just shown that it has an image: it may have forgotten it when that is asked for. */
export function noteShown(
  parts: OriginParts,
  repository: Repository,
  local: LocalImage,
  id: string,
): void {
  if (!isNamed(repository, local)) noteOrigin(parts, repository, id, true);
}

function noteOrigin(
  { origins, now }: OriginParts,
  repository: Repository,
  id: string,
  isKnown: boolean,
): void {
  const key = originKey(repository, id);
  const before = originIn(origins.before, key, now.getTime());
  // Once a day is enough to keep it, and spares the disk.
  const isYoung = before && now.getTime() - millisecondsOf(before.seen) < REFRESH_MS;
  if (isYoung && before.isKnown === isKnown) return;
  origins.fresh[key] = { isKnown, seen: now.toISOString() };
}
