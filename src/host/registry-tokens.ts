import {
  errorsOf,
  parseChallenge,
  parseToken,
  pullScopes,
  tokenUrl,
  type Challenge,
} from '../core/registry.ts';
import type { Credentials } from './registry-credentials.ts';
import { badAnswer, denied, LookError } from './registry-failure.ts';
import type { WebAnswer, WebRequest } from './registry-http.ts';

export interface TokenParts {
  readonly registry: string;
  readonly paths: readonly string[];
  /** The registry is asked without TLS: its token server may be, too. */
  readonly mayBePlain: boolean;
  readonly credentials: Credentials | undefined;
  /** Why there are none though some are configured. */
  readonly problem: string | undefined;
  readonly send: (request: WebRequest) => Promise<WebAnswer>;
  readonly elapsedSeconds: () => number;
}

/** Who we are, as a registry wants to hear it. */
export interface Tokens {
  /** The header for a request about a repository; none where nothing is asked for. @throws {LookError} */
  authorization(path: string): Promise<Readonly<Record<string, string>>>;
  /** After a 401: whether it is worth another try. @throws {LookError} */
  renew(path: string, challenge: Challenge): Promise<boolean>;
  /** Why a repository is not ours to read. */
  refusal(path: string): string;
}

interface Token {
  readonly token: string;
  readonly endsSeconds: number;
}

/** As many scopes as a URL takes without doubt. */
const MOST_PATHS = 50;
/** What is nearly over is over when it arrives. */
const SKEW_SECONDS = 10;
const TOKEN_BYTES = 1_000_000;
const CLIENT = 'orchestrator-update';

/** A token server said no. */
class RefusedTokenError extends LookError {}

/** One token is had for all repositories, kept as long as it lives, and asked for when it is needed first. */
export function openTokens(parts: TokenParts, first: Challenge | undefined): Tokens {
  const { credentials } = parts;
  let challenge = first;
  const shared = new Map<number, Promise<Token>>();
  const alone = new Map<string, Promise<Token>>();
  const groupOf = (path: string): number =>
    Math.floor(Math.max(0, parts.paths.indexOf(path)) / MOST_PATHS);
  const group = (index: number): readonly string[] =>
    parts.paths.slice(index * MOST_PATHS, (index + 1) * MOST_PATHS);
  const kept = async <Key>(
    tokens: Map<Key, Promise<Token>>,
    key: Key,
    paths: readonly string[],
  ): Promise<Token> => {
    for (;;) {
      let one = tokens.get(key);
      if (one === undefined) {
        one = fetchToken(parts, bearerOf(parts, challenge), paths);
        tokens.set(key, one);
      }
      const token = await one;
      if (token.endsSeconds > parts.elapsedSeconds()) return token;
      if (tokens.get(key) === one) tokens.delete(key);
    }
  };
  const tokenFor = async (path: string): Promise<Token> => {
    if (alone.has(path)) return kept(alone, path, [path]);
    const index = groupOf(path);
    try {
      return await kept(shared, index, group(index));
    } catch (error) {
      // One repository that we may not read must not keep us from the others; a wrong password is not tried again.
      const isWorth = error instanceof RefusedTokenError && credentials === undefined;
      if (!isWorth || group(index).length < 2) throw error;
      return kept(alone, path, [path]);
    }
  };
  return {
    authorization: async (path) => {
      if (challenge === undefined) return {};
      if (challenge.scheme === 'basic') return basic(credentials);
      const { token } = await tokenFor(path);
      return { authorization: `Bearer ${token}` };
    },
    renew: async (path, other) => {
      const isNew = challenge === undefined;
      challenge = other;
      if (isNew) return true;
      if (other.scheme === 'basic' || alone.has(path) || group(groupOf(path)).length < 2) {
        return false;
      }
      // There are token servers that read one scope of many.
      await kept(alone, path, [path]);
      return true;
    },
    refusal: (path) => refusal(parts, path),
  };
}

/** How who answered 401 wants to be told who asks; undefined of any other answer. */
export function challengeOf(answer: WebAnswer): Challenge | undefined {
  return answer.status === 401
    ? parseChallenge(answer.header('www-authenticate') ?? '')
    : undefined;
}

type Bearer = Extract<Challenge, { scheme: 'bearer' }>;

function bearerOf({ registry }: TokenParts, challenge: Challenge | undefined): Bearer {
  if (challenge?.scheme === 'bearer') return challenge;
  throw badAnswer(registry, `https://${registry}/v2/`, 'names no token server any more');
}

function refusal({ registry, credentials, problem }: TokenParts, path: string): string {
  const also = problem === undefined ? '' : ` (${problem})`;
  return credentials === undefined
    ? `${registry} wants a login for ${path}, or has no such repository${also}`
    : `${registry} does not let the login that Docker has read ${path}, or its password is wrong${also}`;
}

function basic(credentials: Credentials | undefined): Readonly<Record<string, string>> {
  const { username, password } = credentials ?? {};
  if (username === undefined || password === undefined) return {};
  const login = Buffer.from(`${username}:${password}`).toString('base64');
  return { authorization: `Basic ${login}` };
}

async function fetchToken(
  parts: TokenParts,
  bearer: Bearer,
  paths: readonly string[],
): Promise<Token> {
  const { registry, elapsedSeconds } = parts;
  const startedAt = elapsedSeconds();
  const request = requestFor(parts, bearer, pullScopes(paths));
  const shown = `${request.url.origin}${request.url.pathname}`;
  const answer = await parts.send(request);
  const text = answer.body.toString('utf8');
  if ([400, 401, 403, 404].includes(answer.status)) {
    const { message, kind, next } = denied(registry, refusal(parts, paths.join(', ')));
    throw new RefusedTokenError(kind, `${message}${said(answer)}`, next);
  }
  if (answer.status !== 200) {
    throw badAnswer(registry, shown, `gives no token: HTTP ${answer.status}${said(answer)}`);
  }
  const token = parseToken(text);
  if (token === undefined) throw badAnswer(registry, shown, 'answers without a token');
  const livesSeconds = token.livesSeconds - SKEW_SECONDS;
  return { token: token.token, endsSeconds: startedAt + livesSeconds };
}

function said(answer: WebAnswer): string {
  const errors = errorsOf(answer.body.toString('utf8'));
  return errors === '' ? '' : `: ${errors}`;
}

/** An identity token is sent as OAuth 2 has it; a password, or nothing, with a GET. */
function requestFor(
  { registry, credentials, mayBePlain }: TokenParts,
  bearer: Bearer,
  scopes: readonly string[],
): WebRequest {
  const token = credentials?.identitytoken;
  const href =
    token === undefined
      ? tokenUrl(bearer, scopes)
      : tokenUrl({ ...bearer, service: undefined }, []);
  if (href === undefined) {
    throw badAnswer(registry, `https://${registry}/v2/`, 'names no token server');
  }
  const url = new URL(href);
  if (url.protocol !== 'https:' && !mayBePlain) {
    const shown = `${url.origin}${url.pathname}`;
    throw badAnswer(registry, shown, `wants its login sent without TLS, to ${shown}`);
  }
  if (token === undefined) {
    return { method: 'GET', url, headers: basic(credentials), mostBytes: TOKEN_BYTES };
  }
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT,
    refresh_token: token,
    scope: scopes.join(' '),
    ...(bearer.service === undefined ? {} : { service: bearer.service }),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url, headers, body: form.toString(), mostBytes: TOKEN_BYTES };
}
