import { isDigest, tryJson } from './registry.ts';
import { isoOf, millisecondsOf } from './moment.ts';

/** What an image runs on. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v7`; empty where it has none. */
  readonly variant: string;
}

/** One image of an index. */
export interface Instance {
  readonly digest: string;
  readonly platform: Platform;
}

/** What a tag or a digest means in a registry. */
export type Manifest =
  | { readonly kind: 'index'; readonly instances: readonly Instance[] }
  | {
      readonly kind: 'image';
      /** The digest of its configuration: what Docker's own store calls the image. */
      readonly config: string;
    };

/** As much as is read of an index: the largest there are have some dozens. */
const MOST_INSTANCES = 1000;

/** `linux/arm/v7`, as people write it. */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== '').join('/');
}

const MOST_SHOWN = 10;

/** `linux/amd64, linux/arm64`; of many some. */
export function platformsText(instances: readonly Instance[]): string {
  const all = [...new Set(instances.map(({ platform }) => platformText(platform)))];
  const more = all.length > MOST_SHOWN ? ` and ${all.length - MOST_SHOWN} more` : '';
  return all.length === 0 ? 'none' : `${all.slice(0, MOST_SHOWN).join(', ')}${more}`;
}

export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant = ''] = text.split('/');
  return { os, architecture, variant };
}

/** Undefined of what is neither an index nor an image, such as manifests of the first form. */
export function parseManifest(text: string): Manifest | undefined {
  const said = tryJson(text);
  if (said === null || typeof said !== 'object') return undefined;
  const { manifests, config } = said as { manifests?: unknown; config?: unknown };
  if (Array.isArray(manifests)) {
    const instances = manifests.slice(0, MOST_INSTANCES).flatMap((one: unknown) => instanceOf(one));
    return { kind: 'index', instances };
  }
  const { digest } = (config ?? {}) as { digest?: unknown };
  return typeof digest === 'string' && isDigest(digest)
    ? { kind: 'image', config: digest }
    : undefined;
}

/** What a part of a platform is: a publisher can write anything there, and people read it. */
export function isPlatformPart(text: unknown): text is string {
  return typeof text === 'string' && /^[\w.-]{1,32}$/.test(text);
}

/** None of what is no image: attestations stand beside them, for a platform `unknown/unknown`. */
function instanceOf(one: unknown): Instance[] {
  const { digest, platform, annotations } = (one ?? {}) as {
    digest?: unknown;
    platform?: Readonly<Record<string, unknown>> | null;
    annotations?: Readonly<Record<string, unknown>> | null;
  };
  if (typeof digest !== 'string' || !isDigest(digest)) return [];
  if (annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') return [];
  const { os, architecture, variant: said } = platform ?? {};
  const variant = said === undefined || said === null ? '' : said;
  if (!isPlatformPart(os) || !isPlatformPart(architecture)) return [];
  if (variant !== '' && !isPlatformPart(variant)) return [];
  if (os === 'unknown' || architecture === 'unknown') return [];
  return [{ digest, platform: { os, architecture, variant } }];
}

/** The instance that Docker takes on a platform: of its own variant, else of the highest that it runs, too. */
export function instanceFor(
  instances: readonly Instance[],
  platform: Platform,
): Instance | undefined {
  const wanted = variantOf(platform);
  const fitting = instances.filter(
    ({ platform: one }) =>
      one.os === platform.os &&
      one.architecture === platform.architecture &&
      variantOf(one) <= wanted,
  );
  return fitting.reduce<Instance | undefined>(
    (best, one) =>
      best === undefined || variantOf(one.platform) > variantOf(best.platform) ? one : best,
    undefined,
  );
}

/** What an architecture without a variant is (github.com/containerd/platforms). */
const USUAL_VARIANT: Readonly<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 };

function variantOf({ architecture, variant }: Platform): number {
  const number = /^v(\d{1,3})(?:\.\d+)?$/.exec(variant)?.[1];
  return number === undefined ? (USUAL_VARIANT[architecture] ?? 0) : Number(number);
}

/** Before Docker there were no images: builds that can be repeated say 1970, or less. */
const FIRST_IMAGE_MS = millisecondsOf('2013-01-01T00:00:00Z');
const DAY_MS = 86_400_000;

/** When an image was made, by its configuration, ISO 8601; undefined where it does not say, or cannot mean it. */
export function createdOf(config: string, nowMs: number): string | undefined {
  const { created } = (tryJson(config) ?? {}) as { created?: unknown };
  const atMs = typeof created === 'string' ? millisecondsOf(created) : Number.NaN;
  const isMeant = atMs >= FIRST_IMAGE_MS && atMs <= nowMs + DAY_MS;
  // Never as it was written: what stands in brackets is skipped when it is read.
  return isMeant ? (isoOf(atMs) ?? undefined) : undefined;
}
