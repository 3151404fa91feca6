import { createHash } from 'node:crypto';
import { createdOf, parseManifest, type Manifest } from '../core/manifest.ts';
import {
  errorsOf,
  isDigest,
  MANIFEST_TYPES,
  nextPage,
  parseTags,
  type Repository,
} from '../core/registry.ts';
import { badAnswer, denied, LookError } from './registry-failure.ts';
import type { WebAnswer } from './registry-http.ts';
import type { Session } from './registry-session.ts';

/** What a registry can be asked about images. Every answer is asked for once in a look. */
export interface RegistryImages {
  /** What a tag means now: one request. @throws {LookError} */
  digest(repository: Repository, tag: string): Promise<string>;
  /** Whether it has what a digest names: one request. @throws {LookError} */
  knows(repository: Repository, digest: string): Promise<boolean>;
  /** What a digest is. @throws {LookError} */
  manifest(repository: Repository, digest: string): Promise<Manifest>;
  /** When an image was made, by the digest of its configuration. @throws {LookError} */
  created(repository: Repository, config: string): Promise<string | undefined>;
  /** @throws {LookError} */
  tags(repository: Repository): Promise<readonly string[]>;
}

const MANIFEST_BYTES = 4_000_000;
const CONFIG_BYTES = 4_000_000;
const TAGS_BYTES = 8_000_000;
const MOST_PAGES = 100;
const MOST_TAGS = 20_000;

export function registryImages(
  sessionOf: (repository: Repository) => Session,
  now: () => Date,
): RegistryImages {
  const asked = new Map<string, Promise<unknown>>();
  const once = <Value>(what: string, ask: () => Promise<Value>): Promise<Value> => {
    const before = asked.get(what) as Promise<Value> | undefined;
    if (before !== undefined) return before;
    const answer = ask();
    asked.set(what, answer);
    return answer;
  };
  return {
    digest: (repository, tag) =>
      once(key(repository, 'tag', tag), () => digestOf(sessionOf(repository), repository, tag)),
    knows: (repository, digest) =>
      once(key(repository, 'knows', digest), () =>
        digestOf(sessionOf(repository), repository, digest).then(
          () => true,
          (error: unknown) => {
            if (error instanceof LookError && error.kind === 'absent') return false;
            throw error;
          },
        ),
      ),
    manifest: (repository, digest) =>
      once(key(repository, 'manifest', digest), () =>
        manifestOf(sessionOf(repository), repository, digest),
      ),
    created: (repository, config) =>
      once(key(repository, 'config', config), async () => {
        const target = `/v2/${repository.path}/blobs/${config}`;
        const body = await contentOf(sessionOf(repository), repository, target, config);
        return createdOf(body, now().getTime());
      }),
    tags: (repository) =>
      once(key(repository, 'tags'), () => tagsOf(sessionOf(repository), repository)),
  };
}

function key({ host, path }: Repository, ...rest: string[]): string {
  return [host, path, ...rest].join(' ');
}

async function digestOf(session: Session, { registry, path }: Repository, tag: string) {
  const target = `/v2/${path}/manifests/${tag}`;
  const wish = { path, target, accept: MANIFEST_TYPES, mostBytes: MANIFEST_BYTES };
  const what = `${path}${isDigest(tag) ? '@' : ':'}${tag}`;
  const head = await session.ask({ ...wish, method: 'HEAD' });
  const digest = head.header('docker-content-digest')?.trim();
  if (head.status === 200 && digest !== undefined) {
    if (isDigest(digest)) return digest;
    throw badAnswer(registry, session.url(target), `has no good digest for ${what}`);
  }
  // There are registries that do not know HEAD, or say no digest.
  if (head.status !== 200 && ![405, 501].includes(head.status)) {
    throw failureOf(session, head, { registry, target, what });
  }
  const answer = await session.ask({ ...wish, method: 'GET' });
  if (answer.status !== 200) throw failureOf(session, answer, { registry, target, what });
  return sha256(answer.body);
}

async function manifestOf(
  session: Session,
  repository: Repository,
  digest: string,
): Promise<Manifest> {
  const { registry, path } = repository;
  const target = `/v2/${path}/manifests/${digest}`;
  const manifest = parseManifest(
    await contentOf(session, repository, target, digest, MANIFEST_TYPES),
  );
  if (manifest !== undefined) return manifest;
  const why = `has something under ${digest} of ${path} that is no image`;
  throw badAnswer(registry, session.url(target), why);
}

/** What is named by its digest, and is what its digest says. */
async function contentOf(
  session: Session,
  { registry, path }: Repository,
  target: string,
  digest: string,
  accept?: string,
): Promise<string> {
  const answer = await session.ask({
    method: 'GET',
    path,
    target,
    ...(accept === undefined ? {} : { accept }),
    mostBytes: CONFIG_BYTES,
  });
  const what = `${path}@${digest}`;
  if (answer.status !== 200) throw failureOf(session, answer, { registry, target, what });
  const [algorithm = ''] = digest.split(':');
  const found = createHash(algorithm).update(answer.body).digest('hex');
  if (digest !== `${algorithm}:${found}`) {
    throw badAnswer(registry, session.url(target), `gives something else for ${what}`);
  }
  return answer.body.toString('utf8');
}

async function tagsOf(session: Session, { registry, path }: Repository): Promise<string[]> {
  const found: string[] = [];
  let target: string | undefined = `/v2/${path}/tags/list`;
  for (let page = 0; target !== undefined && page < MOST_PAGES; page += 1) {
    const answer: WebAnswer = await session.ask({
      method: 'GET',
      path,
      target,
      mostBytes: TAGS_BYTES,
    });
    const what = `the tags of ${path}`;
    if (answer.status !== 200) throw failureOf(session, answer, { registry, target, what });
    const tags = parseTags(answer.body.toString('utf8'));
    if (tags === undefined) {
      throw badAnswer(registry, session.url(target), `has no list of ${what}`);
    }
    found.push(...tags);
    if (found.length > MOST_TAGS) {
      throw badAnswer(registry, session.url(target), `has more than ${MOST_TAGS} tags of ${path}`);
    }
    target = pageBelow(session, { registry, target }, nextPage(answer.header('link')));
  }
  if (target === undefined) return found;
  throw badAnswer(registry, session.url(target), `has no end of the tags of ${path}`);
}

/**
 * The target of the next page, which is in the same registry: nobody else is asked for it. The scheme is ours, since
 * a registry behind a proxy that speaks TLS may not know it; undefined after the last page.
 *
 * @throws {LookError} where the page is anywhere else
 */
function pageBelow(
  session: Session,
  { registry, target }: { registry: string; target: string },
  next: string | undefined,
): string | undefined {
  if (next === undefined) return undefined;
  const from = new URL(session.url(target));
  const url = URL.canParse(next, from.href) ? new URL(next, from) : undefined;
  const isBelow = url?.host === from.host && url.pathname.startsWith('/v2/');
  if (isBelow) return `${url.pathname}${url.search}`;
  throw badAnswer(registry, from.href, 'names a next page of its tags that is not in it');
}

function failureOf(
  session: Session,
  answer: WebAnswer,
  { registry, target, what }: { registry: string; target: string; what: string },
): LookError {
  const { status } = answer;
  const errors = errorsOf(answer.body.toString('utf8'));
  const said = errors === '' ? '' : ` (${errors})`;
  if (status === 403) return denied(registry, `${registry} does not let us read ${what}${said}`);
  if (status === 404) {
    return new LookError(
      'absent',
      `${registry} has no ${what}${said}`,
      'push it there, or name another in the compose file; what runs is not touched',
    );
  }
  return badAnswer(registry, session.url(target), `answers HTTP ${status} for ${what}${said}`);
}

function sha256(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}
