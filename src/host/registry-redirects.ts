import { badAnswer } from './registry-failure.ts';
import type { WebAnswer, WebRequest } from './registry-http.ts';
import { challengeOf, openTokens } from './registry-tokens.ts';

/** What is followed with. */
interface FollowParts {
  readonly registry: string;
  /** Of the registry itself. */
  readonly origin: string;
  readonly send: (request: WebRequest) => Promise<WebAnswer>;
  readonly elapsedSeconds: () => number;
}

const MOST_REDIRECTS = 5;

/**
 * Follows redirects, as to the store of what a registry has; who we are is said to the registry alone.
 *
 * @returns the last answer, and whose it is
 * @throws {LookError}
 */
export async function follow(
  parts: FollowParts,
  request: WebRequest,
): Promise<{ readonly answer: WebAnswer; readonly origin: string }> {
  const { registry, send } = parts;
  let next = request;
  for (let count = 0; count <= MOST_REDIRECTS; count += 1) {
    const answer = await send(next);
    const { origin } = next.url;
    if (answer.status === 401 && origin !== parts.origin) {
      const headers = await asGuest(parts, next, answer);
      if (headers === undefined) return { answer, origin };
      next = { ...next, headers };
      continue;
    }
    const to = answer.header('location');
    if (![301, 302, 303, 307, 308].includes(answer.status) || to === undefined) {
      return { answer, origin };
    }
    const from = next.url;
    if (!URL.canParse(to, from.href)) break;
    const url = new URL(to, from);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && from.protocol === 'http:')) {
      throw badAnswer(registry, request.url.href, 'sends us to a place without TLS');
    }
    url.username = '';
    url.password = '';
    const { authorization: _, ...others } = next.headers;
    next = { ...next, url, headers: url.origin === from.origin ? next.headers : others };
  }
  throw badAnswer(registry, request.url.href, 'sends us from one place to the next');
}

/** There are registries that are a name for another one, which wants a token even of who has no login there. */
async function asGuest(
  { send, elapsedSeconds }: FollowParts,
  { url, headers }: WebRequest,
  answer: WebAnswer,
): Promise<Readonly<Record<string, string>> | undefined> {
  const challenge = challengeOf(answer);
  const path = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(url.pathname)?.[1];
  const isRefused = headers['authorization'] !== undefined;
  if (challenge?.scheme !== 'bearer' || path === undefined || isRefused) return undefined;
  const tokens = openTokens(
    {
      registry: url.host,
      paths: [path],
      mayBePlain: url.protocol === 'http:',
      credentials: undefined,
      problem: undefined,
      send,
      elapsedSeconds,
    },
    challenge,
  );
  return { ...headers, ...(await tokens.authorization(path)) };
}
