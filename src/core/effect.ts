/** What a release does to this host, to tell whether another one does the same. */
export interface Effect {
  /** SHA-256 of what compose makes of it, and of the files its services read or are built from. */
  readonly contents: string;
  /** What its new images meant at their registries, by reference, where those said so. */
  readonly images: Readonly<Record<string, string>>;
}

/** Whether two releases do the same: the same contents, and no image that is known to be another. */
export function hasSameEffect(one: Effect, other: Effect): boolean {
  const isSame = ([reference, digest]: [string, string]): boolean =>
    (other.images[reference] ?? digest) === digest;
  return one.contents === other.contents && Object.entries(one.images).every(isSame);
}
