import type { RegistryUse } from '../core/image-look.ts';
import { remainingOf, retryAfterSeconds } from '../core/registry.ts';
import type { Rest } from '../core/registry-memory.ts';
import type { Credentials } from './registry-credentials.ts';
import { badAnswer, denied, LookError, resting, tooLate, unreachable } from './registry-failure.ts';
import { NoAnswerError, type Web, type WebAnswer, type WebRequest } from './registry-http.ts';
import { follow } from './registry-redirects.ts';
import { challengeOf, openTokens, type Tokens } from './registry-tokens.ts';

/** What a look has for one registry. */
export interface SessionParts {
  readonly registry: string;
  readonly host: string;
  /** The repositories that are asked for: a token is for all of them. */
  readonly paths: readonly string[];
  /** Whether plain HTTP is tried where HTTPS does not work. */
  readonly mayBePlain: boolean;
  readonly login: () => Promise<{
    credentials: Credentials | undefined;
    problem: string | undefined;
  }>;
  readonly web: Web;
  readonly now: () => Date;
  readonly elapsedSeconds: () => number;
  readonly sleep: (seconds: number) => Promise<void>;
  /** By the same clock as `elapsedSeconds`: nothing is asked from then on. */
  readonly endsSeconds: number;
  /** A request is about to be sent. */
  readonly onRequest: () => void;
}

/** What is asked of a registry about a repository. */
export interface Wish {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  /** `/v2/library/nginx/manifests/1.27` */
  readonly target: string;
  readonly accept?: string;
  readonly mostBytes: number;
}

/** One registry, for the time of one look. */
export interface Session {
  /** The answer, whatever its status but for 401 and 429. @throws {LookError} */
  ask(wish: Wish): Promise<WebAnswer>;
  url(target: string): string;
  use(): RegistryUse;
  /** How long it wants to be left alone; undefined where it does not. */
  rest(): Rest | undefined;
  close(): void;
}

/** How long a look takes at most: systemd ends a run that is silent, and other things wait for it. */
export const LOOK_SECONDS = 120;
/** In all, for one registry and one look. */
const MOST_WAITED_SECONDS = 30;
const MOST_TRIES = 4;
/** Where it says nothing: Docker Hub does not when an address has had its share. */
const USUAL_REST_SECONDS = 900;
const SHORTEST_REST_SECONDS = 60;
const SMALL_BYTES = 1_000_000;

interface State {
  readonly parts: SessionParts;
  origin: string;
  requests: number;
  remaining: number | undefined;
  /** By the clock that nobody sets. */
  restUntilSeconds: number;
  budgetSeconds: number;
  rest: Rest | undefined;
  left: LookError | undefined;
}

/** Opens a registry: nothing is asked before the first wish. */
export function openSession(parts: SessionParts): Session {
  const state: State = {
    parts,
    origin: `https://${parts.host}`,
    requests: 0,
    remaining: undefined,
    restUntilSeconds: 0,
    budgetSeconds: MOST_WAITED_SECONDS,
    rest: undefined,
    left: undefined,
  };
  let begun: Promise<Tokens> | undefined;
  return {
    ask: async (wish) => {
      begun ??= begin(state);
      const tokens = await begun;
      return ask(state, tokens, wish);
    },
    url: (target) => `${state.origin}${target}`,
    use: () => ({
      registry: parts.registry,
      requests: state.requests,
      remaining: state.remaining,
    }),
    rest: () => state.rest,
    close: () => parts.web.close(),
  };
}

/** Finds out how the registry wants to be spoken with. */
async function begin(state: State): Promise<Tokens> {
  const { parts } = state;
  const answer = await firstAnswer(state);
  const { credentials, problem } = await parts.login();
  const challenge = challengeOf(answer);
  const mayBePlain = state.origin.startsWith('http:');
  const send = (request: WebRequest): Promise<WebAnswer> => paced(state, request);
  const tokens = openTokens({ ...parts, mayBePlain, credentials, problem, send }, challenge);
  if (challenge?.scheme === 'basic' && credentials !== undefined) await tryLogin(state, tokens);
  return tokens;
}

/** A wrong password is heard of once: with every image it would lock a person out. */
async function tryLogin(state: State, tokens: Tokens): Promise<void> {
  const { registry } = state.parts;
  const headers = await tokens.authorization('');
  const { status } = await paced(state, { ...firstRequest(state), headers });
  if (status === 401) {
    throw denied(
      registry,
      `${registry} does not take the login that Docker has: the password is wrong, or is no longer`,
    );
  }
}

function firstRequest({ origin }: State): WebRequest {
  return { method: 'GET', url: new URL('/v2/', origin), headers: {}, mostBytes: SMALL_BYTES };
}

async function firstAnswer(state: State): Promise<WebAnswer> {
  const { mayBePlain, host } = state.parts;
  try {
    return await paced(state, firstRequest(state));
  } catch (error) {
    if (!mayBePlain || !isAway(error)) throw error;
    state.origin = `http://${host}`;
    const answer = await paced(state, firstRequest(state)).catch((second: unknown) => {
      // What is wrong with a certificate is said by the first.
      throw isAway(second) ? error : second;
    });
    // So a server that wants TLS says it.
    if (answer.status === 400) throw error;
    return answer;
  }
}

function isAway(error: unknown): boolean {
  return error instanceof LookError && error.kind === 'unreachable';
}

async function ask(state: State, tokens: Tokens, wish: Wish): Promise<WebAnswer> {
  const { registry, elapsedSeconds } = state.parts;
  const send = (request: WebRequest): Promise<WebAnswer> => paced(state, request);
  const parts = { registry, origin: state.origin, send, elapsedSeconds };
  for (let isAgain = false; ; isAgain = true) {
    const headers = {
      ...(wish.accept === undefined ? {} : { accept: wish.accept }),
      ...(await tokens.authorization(wish.path)),
    };
    // Put together as text: a target that begins with two slashes would name another host.
    const url = new URL(`${state.origin}${wish.target}`);
    const { answer, origin } = await follow(parts, { ...wish, url, headers });
    if (answer.status !== 401) return answer;
    // Whoever else we are sent to does not say where our password goes.
    if (origin !== state.origin) {
      throw badAnswer(registry, url.href, `sends us to ${origin}, which wants a login`);
    }
    const challenge = challengeOf(answer);
    if (isAgain || challenge === undefined || !(await tokens.renew(wish.path, challenge))) {
      throw denied(registry, tokens.refusal(wish.path));
    }
  }
}

/** Sends when the registry wants to be asked; one that is asked too often is waited for, for a while. */
async function paced(state: State, request: WebRequest): Promise<WebAnswer> {
  for (let tries = 1; ; tries += 1) {
    await turn(state, request);
    state.parts.onRequest();
    const answer = await sendOnce(state, request);
    state.requests += 1;
    const remaining = remainingOf(answer.header('ratelimit-remaining'));
    if (remaining !== undefined) {
      state.remaining = Math.min(state.remaining ?? remaining, remaining);
    }
    const isLimited =
      answer.status === 429 ||
      (answer.status === 503 && answer.header('retry-after') !== undefined);
    if (!isLimited) return answer;
    makeRest(state, answer, tries);
  }
}

async function sendOnce(state: State, request: WebRequest): Promise<WebAnswer> {
  const { registry, web } = state.parts;
  const shown = shownUrl(request);
  try {
    return await web.send(request);
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    if (error.isTooLarge) throw badAnswer(registry, shown, `answers with ${error.message}`);
    throw unreachable(registry, shown, error.message);
  }
}

/** Without its query: there may be a secret in it. */
function shownUrl({ url }: WebRequest): string {
  return `${url.origin}${url.pathname}`;
}

async function turn(state: State, request: WebRequest): Promise<void> {
  const { registry, elapsedSeconds, endsSeconds, sleep } = state.parts;
  for (;;) {
    if (state.left) throw state.left;
    const seconds = Math.max(0, state.restUntilSeconds - elapsedSeconds());
    if (elapsedSeconds() + seconds >= endsSeconds) {
      throw tooLate(registry, shownUrl(request), LOOK_SECONDS);
    }
    if (seconds === 0) return;
    await sleep(seconds);
  }
}

/** @throws {LookError} where it asks for more than there is time for: it is left alone */
function makeRest(state: State, answer: WebAnswer, tries: number): void {
  const { registry, now, elapsedSeconds } = state.parts;
  const nowMs = now().getTime();
  const asked = retryAfterSeconds(answer.header('retry-after'), nowMs);
  const until = elapsedSeconds() + Math.max(1, asked ?? 2 ** tries);
  const more = until - Math.max(elapsedSeconds(), state.restUntilSeconds);
  if (tries < MOST_TRIES && more <= state.budgetSeconds) {
    state.budgetSeconds -= Math.max(0, more);
    state.restUntilSeconds = Math.max(state.restUntilSeconds, until);
    return;
  }
  const seconds = Math.max(SHORTEST_REST_SECONDS, asked ?? USUAL_REST_SECONDS);
  const rest = {
    until: new Date(nowMs + seconds * 1000).toISOString(),
    why: `HTTP ${answer.status}`,
  };
  state.rest ??= rest;
  state.left ??= resting(registry, state.rest);
  throw state.left;
}
