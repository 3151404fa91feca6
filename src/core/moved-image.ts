import { canonicalJson } from './canonical-json.ts';
import { parseImageReference } from './image-reference.ts';
import type { Plan } from './plan.ts';

/** An image that its registry has another of than the cluster runs, under a name that the release follows. */
export interface MovedImage {
  readonly services: readonly string[];
  /** What is run from then on, with its tag. */
  readonly reference: string;
  /** What runs: the digest by which its registry knew it, or its ID. */
  readonly from: string;
  /** What the registry has: `sha256:…`. It is pulled by that, whatever the tag means a moment later. */
  readonly digest: string;
}

/** Another image under the same name, or under another tag. */
export type ImageDigest = Pick<MovedImage, 'reference' | 'digest'>;

/** How it is asked for: `name@sha256:…`. */
export function pullableDigest({ reference, digest }: ImageDigest): string {
  return `${parseImageReference(reference).name}@${digest}`;
}

/** By service: what it is to run. */
export function chosenImages(moved: readonly MovedImage[]): Record<string, string> {
  return Object.fromEntries(
    moved.flatMap(({ services, reference }) => services.map((name) => [name, reference] as const)),
  );
}

/** A digest as a person reads it. */
export function shortDigest(digest: string): string {
  return digest.replace(/^(sha256:.{12}).*$/, '$1');
}

/** Whether two plans bring the same: the same commit, and of images that moved the same digests. */
export function bringsSame(one: Plan, other: Plan): boolean {
  return one.to === other.to && digestsIn(one) === digestsIn(other);
}

function digestsIn({ moved = [] }: Plan): string {
  return canonicalJson(
    Object.fromEntries(moved.map(({ reference, digest }) => [reference, digest])),
  );
}

/** What a plan leads from and to, in a few words: commits, or images at one. */
export function changeText({ from, to, moved = [] }: Pick<Plan, 'from' | 'to' | 'moved'>): string {
  const [old, now] = [from.slice(0, 12), to.slice(0, 12)];
  return moved.length > 0 ? `${imagesText(moved)} at ${now}` : `${old} → ${now}`;
}

/** The names of what a plan brings, or takes back, at the same commit; none where the commit is another. */
export function imagesOf({ moved, left }: Pick<Plan, 'moved' | 'left'>): string[] {
  return (moved ?? left ?? []).map(({ reference }) => reference).toSorted();
}

/** What a run led from and to: two commits, or images at one. */
export function releaseText(
  { from, to, images }: { from: string; to: string; images: readonly string[] },
  short: (commit: string) => string,
): string {
  return images.length > 0
    ? `${images.join(', ')} at ${short(to)}`
    : `${short(from)} → ${short(to)}`;
}

/** `the image web:1`, `the images db:1, web:1`. */
export function imagesText(moved: readonly Pick<MovedImage, 'reference'>[]): string {
  const names = moved.map(({ reference }) => reference).toSorted();
  return `the ${names.length === 1 ? 'image' : 'images'} ${names.join(', ')}`;
}

/** What a plan tries, in a few words. */
export function subjectText({ to, moved }: Pick<Plan, 'to' | 'moved'>): string {
  return moved === undefined ? to.slice(0, 12) : `what moved of ${imagesText(moved)}`;
}

/** That it was taken back. */
export function backText({ from, to, moved }: Pick<Plan, 'from' | 'to' | 'moved'>): string {
  const [old, now] = [from.slice(0, 12), to.slice(0, 12)];
  return moved === undefined
    ? `${now} was rolled back to ${old}, which is healthy`
    : `${imagesText(moved)} of before, at ${now}, is back and healthy`;
}
