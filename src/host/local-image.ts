import { isPlatformPart, type Platform } from '../core/manifest.ts';
import { KEPT } from '../core/plan-steps.ts';
import { expect, type EngineApi } from './engine-api.ts';

/** What this host has of an image. */
export interface LocalImage {
  readonly id: string;
  /** What registries call it: `sha256:…`; none of what was built or loaded here. */
  readonly digests: readonly string[];
  /**
   * Of which repositories Docker says that they gave it. Not of what is called by its own ID alone: in containerd's
   * store that is every name, also of what was built here.
   */
  readonly pulledFrom: readonly string[];
  readonly platform: Platform;
  /** Digests of its instances for single platforms; known where Docker keeps images in containerd's store alone. */
  readonly instances: readonly string[];
}

/** The part of `GET /images/…/json` that is read. */
interface Details {
  readonly Id: string;
  readonly RepoDigests?: readonly string[] | null;
  readonly Os?: string;
  readonly Architecture?: string;
  readonly Variant?: string;
  readonly Manifests?:
    | readonly { readonly ID?: string; readonly Kind?: string; readonly Available?: boolean }[]
    | null;
}

/** An image by its ID or reference; undefined where it is not here. */
export async function readLocalImage(
  api: EngineApi,
  image: string,
): Promise<LocalImage | undefined> {
  const path = `/images/${encodeURIComponent(image)}/json`;
  const answer = await api('GET', path);
  if (answer.status === 404) return undefined;
  const details = expect(answer, [200], `the image ${image}`).body as Details;
  const { Id: id, RepoDigests: named, Os: os = 'linux', Architecture: architecture = '' } = details;
  const names = (named ?? [])
    .map((one) => one.split('@') as [string, string])
    // Our own tags are none of a registry: at most they say that an image goes by its ID here.
    .filter(([name, digest]) => name !== KEPT || digest === id);
  const digests = [...new Set(names.map(([, digest]) => digest))];
  const pulledFrom = names.flatMap(([name, digest]) => (digest === id ? [] : [name]));
  return {
    id,
    digests,
    pulledFrom,
    platform: { os: part(os), architecture: part(architecture), variant: part(details.Variant) },
    // Only there an image goes by the digest that a registry has for it, too.
    instances: digests.includes(id) ? await instancesOf(api, path) : [],
  };
}

/** An image says it of itself. */
function part(said: string | undefined): string {
  return isPlatformPart(said) ? said : '';
}

/** API 1.48 tells them; an older one does not know the question. */
async function instancesOf(api: EngineApi, path: string): Promise<string[]> {
  const { status, body } = await api('GET', `${path}?manifests=1`);
  if (status !== 200) return [];
  const { Manifests: manifests } = body as Details;
  return (manifests ?? []).flatMap(({ ID: id, Kind: kind, Available: isHere }) =>
    id !== undefined && kind === 'image' && isHere === true ? [id] : [],
  );
}
