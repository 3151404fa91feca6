/** The parts of an image reference such as `registry.example:5000/team/app:1.2`. */
export interface ImageReference {
  /** Everything before the tag and the digest. */
  readonly name: string;
  /** `latest` where neither a tag nor a digest is given. */
  readonly tag: string | undefined;
  /** `sha256:…` */
  readonly digest: string | undefined;
}

/** Splits a reference; the grammar is that of github.com/distribution/reference. */
export function parseImageReference(reference: string): ImageReference {
  const [rest = reference, digest] = reference.split('@');
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > rest.lastIndexOf('/');
  return {
    name: hasTag ? rest.slice(0, colon) : rest,
    tag: hasTag ? rest.slice(colon + 1) : digest === undefined ? 'latest' : undefined,
    digest,
  };
}

/**
 * The registry an image comes from: the part before the first slash when it can be a host name (it
 * has a dot or a colon, or is `localhost`), else Docker Hub.
 */
export function registryOf(reference: string): string {
  const slash = reference.indexOf('/');
  const first = slash === -1 ? '' : reference.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  return !isHost || first === 'index.docker.io' ? 'docker.io' : first;
}

/**
 * The digest of an image that this host has under a reference: the one that was expected, where it is among those
 * that registries gave it, else that of its own name; its ID where no registry has it.
 *
 * @param digests `name@sha256:…`, as Docker tells them
 */
export function digestOf(
  reference: string,
  { id, digests }: { readonly id: string; readonly digests: readonly string[] },
  expected = '',
): string {
  const named = digests.toSorted().map((one) => one.split('@'));
  if (expected !== '' && (expected === id || named.some(([, digest]) => digest === expected))) {
    return expected;
  }
  const name = familiarName(parseImageReference(reference).name);
  const [, digest] = named.find(([one = '']) => familiarName(one) === name) ?? [];
  return digest ?? id;
}

/** The one way to write what a reference names, to compare it: without Docker Hub's name, with the tag that is meant. */
export function canonicalReference(reference: string): string {
  const { name, tag, digest } = parseImageReference(reference);
  const tagged = tag === undefined ? '' : `:${tag}`;
  return `${familiarName(name)}${tagged}${digest === undefined ? '' : `@${digest}`}`;
}

/** As Docker shows it: without what stands for Docker Hub. */
function familiarName(name: string): string {
  return name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '');
}
