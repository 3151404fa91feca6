import { registryOf, parseImageReference } from './image-reference.ts';
import { millisecondsOf } from './moment.ts';

/** Where an image is asked for. */
export interface Repository {
  /** `docker.io`, `registry.example:5000`: as credentials know it. */
  readonly registry: string;
  /** What is connected to. */
  readonly host: string;
  /** `library/nginx` */
  readonly path: string;
}

/** The place of an image in its registry. Docker Hub is another host than its name says. */
export function repositoryOf(reference: string): Repository {
  const registry = registryOf(reference);
  const { name } = parseImageReference(reference);
  if (registry !== 'docker.io') {
    return { registry, host: registry, path: name.slice(registry.length + 1) };
  }
  const path = name.replace(/^(index\.)?docker\.io\//, '');
  return {
    registry,
    host: 'registry-1.docker.io',
    path: path.includes('/') ? path : `library/${path}`,
  };
}

/** Whether Docker speaks plain HTTP with a registry: on this very host, or where its daemon.json says so. */
export function mayBePlain(host: string, insecureRegistries: readonly string[]): boolean {
  const isListed = insecureRegistries.some((one) => one === host || isWithin(host, one));
  return isListed || isThisHost(host);
}

/** Whether an address of IPv4 is in a network such as `10.0.0.0/8`. */
function isWithin(host: string, network: string): boolean {
  const [start = '', length = ''] = network.split('/');
  const [first, address] = [numberOf(start), numberOf(host.replace(/:\d+$/, ''))];
  if (first === undefined || address === undefined || !/^([12]?\d|3[012])$/.test(length)) {
    return false;
  }
  const size = 2 ** (32 - Number(length));
  return Math.floor(first / size) === Math.floor(address / size);
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.');
  const isAddress = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part));
  return isAddress ? parts.reduce((sum, part) => sum * 256 + Number(part), 0) : undefined;
}

export function isThisHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

/** What a registry is asked for: anything but the first form of manifests. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** How a registry wants to know who asks. */
export type Challenge =
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined }
  | { readonly scheme: 'basic' };

/** Reads `WWW-Authenticate`: a token server where there is one, else a password; undefined of anything else. */
export function parseChallenge(header: string): Challenge | undefined {
  const all = challengesOf(header);
  const bearer = all.find(({ scheme, values }) => scheme === 'bearer' && values.has('realm'));
  if (bearer) {
    const realm = bearer.values.get('realm') ?? '';
    return { scheme: 'bearer', realm, service: bearer.values.get('service') };
  }
  return all.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
}

/** One scheme of `WWW-Authenticate`, as RFC 9110 writes them: several may stand in one header. */
function challengesOf(header: string): { scheme: string; values: Map<string, string> }[] {
  const found: { scheme: string; values: Map<string, string> }[] = [];
  const part = /[\s,]*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/y;
  for (let match = part.exec(header); match !== null; match = part.exec(header)) {
    const [, name = '', quoted, plain] = match;
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) found.push({ scheme: name.toLowerCase(), values: new Map() });
    else if (found.at(-1)?.values.has(name.toLowerCase()) === false) {
      found.at(-1)?.values.set(name.toLowerCase(), value);
    }
  }
  return found;
}

/** What a token allows: to read these repositories. */
export function pullScopes(paths: readonly string[]): string[] {
  return [...new Set(paths)].toSorted().map((path) => `repository:${path}:pull`);
}

/** Where a token for all of these is had; undefined where the realm is no web address. */
export function tokenUrl(
  { realm, service }: Extract<Challenge, { scheme: 'bearer' }>,
  scopes: readonly string[],
): string | undefined {
  if (!URL.canParse(realm) || !/^https?:/i.test(realm)) return undefined;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return url.href;
}

/** A token that lives no longer than this is as good as none: the specification says 60 s where nothing is said. */
const SHORTEST_LIFE_SECONDS = 60;

/** What a token server answers; undefined where there is no token in it. */
export function parseToken(
  text: string,
): { readonly token: string; readonly livesSeconds: number } | undefined {
  const said = (tryJson(text) ?? {}) as Readonly<Record<string, unknown>>;
  const token = said['token'] ?? said['access_token'];
  // It goes into a header.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return undefined;
  const lives = Number(said['expires_in']);
  return { token, livesSeconds: lives > SHORTEST_LIFE_SECONDS ? lives : SHORTEST_LIFE_SECONDS };
}

/** Nobody is kept from asking for longer than a day. */
export const LONGEST_REST_SECONDS = 86_400;

/** `Retry-After`, in seconds from now or as a date; undefined where it says nothing. */
export function retryAfterSeconds(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (text === '') return undefined;
  const seconds = /^\d+$/.test(text)
    ? Number(text)
    : // A date has a weekday in front, or at least a letter; `-5` and `1.5` are none.
      /[a-z]/i.test(text)
      ? Math.ceil((millisecondsOf(text) - nowMs) / 1000)
      : Number.NaN;
  if (Number.isNaN(seconds)) return undefined;
  return Math.min(Math.max(seconds, 0), LONGEST_REST_SECONDS);
}

/** `ratelimit-remaining: 76;w=21600`: how many are left; undefined where it does not say. */
export function remainingOf(header: string | undefined): number | undefined {
  const said = /^\s*(\d{1,9})\s*(?:;|$)/.exec(header ?? '')?.[1];
  return said === undefined ? undefined : Number(said);
}

/** The next page of a list: `Link: </v2/x/tags/list?last=b>; rel="next"`. */
export function nextPage(header: string | undefined): string | undefined {
  return /<([^<>\s]+)>\s*;\s*rel="?next"?/i.exec(header ?? '')?.[1];
}

/** What a registry says of why it does not answer: one line, without anything a terminal would obey. */
export function errorsOf(text: string): string {
  const { errors } = (tryJson(text) ?? {}) as { errors?: unknown };
  const said = (Array.isArray(errors) ? errors : []).flatMap((one: unknown) => {
    const { code = '', message = '' } = (one ?? {}) as { code?: unknown; message?: unknown };
    return [[code, message].filter((part) => typeof part === 'string' && part !== '').join(': ')];
  });
  return (said[0] ?? '').replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').slice(0, 200);
}

/** Names something by its contents: what may stand behind an `@`. */
export function isDigest(text: string): boolean {
  return /^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(text);
}

/** The grammar of OCI: what else is listed can be asked for by nobody. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** The tags in `GET …/tags/list`; undefined where there is no list. */
export function parseTags(text: string): string[] | undefined {
  const { tags } = (tryJson(text) ?? {}) as { tags?: unknown };
  // A repository whose last tag was deleted has none.
  if (tags === null) return [];
  if (!Array.isArray(tags)) return undefined;
  return tags.filter((tag): tag is string => typeof tag === 'string' && TAG.test(tag));
}

/** Undefined of what is no JSON. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
