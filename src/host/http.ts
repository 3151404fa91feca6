import type { ProbeResult } from '../core/health.ts';
import { masked } from '../core/secret-values.ts';
import { messageOf } from '../errors.ts';

/** How much of an answer is shown: enough to say why a probe failed. */
const BODY_CHARACTERS = 200;
/** How much of it is looked through for secrets: one that is cut off is not found any more. */
const RAW_CHARACTERS = 10_000;

/**
 * Asks one URL. Healthy is any 2xx; redirects are not followed. The time is for the whole
 * answer, so an endpoint that trickles bytes fails as well.
 *
 * @param secrets values that are not shown: a service may answer with what it was given
 */
export async function probe(
  url: string,
  timeoutSeconds: number,
  secrets: readonly string[] = [],
): Promise<ProbeResult> {
  try {
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    // oxlint-disable-next-line no-restricted-globals -- this is the one place that fetches
    const response = await fetch(url, { signal, redirect: 'manual' });
    const body = await response.text();
    const raw = body.slice(0, RAW_CHARACTERS).split('\n')[0] ?? '';
    const firstLine = masked(raw, secrets).slice(0, BODY_CHARACTERS);
    const detail = `HTTP ${response.status}${firstLine ? `: ${firstLine}` : ''}`;
    return { url, ok: response.ok, detail };
  } catch (error) {
    return { url, ok: false, detail: failure(error, timeoutSeconds) };
  }
}

/** What a server says to what it was sent. */
export interface Answer {
  readonly status: number;
  /** The beginning of what it says where it is no 2xx; else empty. */
  readonly body: string;
  /** How long it asks to be left alone; 0 where it does not. */
  readonly retryAfterSeconds: number;
}

/**
 * Sends something to one URL. A redirect is an answer: what is secret is sent to nobody else. The head of a 2xx is
 * enough; what comes after it is not waited for.
 *
 * @throws with a message that names neither the URL nor what was sent
 */
export async function post(
  url: string,
  { headers, body }: { headers: Readonly<Record<string, string>>; body: string },
  timeoutSeconds: number,
): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    const { plain, proof } = withoutLogin(url);
    const request = { method: 'POST', body, signal, redirect: 'manual' } as const;
    // oxlint-disable-next-line no-restricted-globals -- this is the one place that fetches
    const answer = await fetch(plain, { ...request, headers: { ...proof, ...headers } });
    const asked = Number(answer.headers.get('retry-after') ?? 0);
    const retryAfterSeconds = Number.isFinite(asked) && asked > 0 ? asked : 0;
    if (!answer.ok)
      return { status: answer.status, body: await firstPart(answer), retryAfterSeconds };
    await answer.body?.cancel();
    return { status: answer.status, body: '', retryAfterSeconds };
  } catch (error) {
    throw new Error(failure(error, timeoutSeconds), { cause: error });
  }
}

/** `fetch` takes no URL with a user and a password in it: they are sent as every other client sends them. */
export function withoutLogin(url: string): {
  readonly plain: string;
  readonly proof: Readonly<Record<string, string>>;
} {
  const parsed = new URL(url);
  const login = [parsed.username, parsed.password].map(decoded).join(':');
  if (login === ':') return { plain: url, proof: {} };
  parsed.username = '';
  parsed.password = '';
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  return { plain: parsed.href, proof: { authorization } };
}

/** What is in a URL as text; a % that stands for itself is one. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** As much as is read of why it is not taken; a server that says it slowly has said enough with its status. */
async function firstPart(answer: Response): Promise<string> {
  const reader = answer.body?.getReader();
  const first = await reader?.read().catch(() => undefined);
  await reader?.cancel().catch(() => {});
  return new TextDecoder().decode(first?.value).slice(0, BODY_CHARACTERS);
}

function failure(error: unknown, timeoutSeconds: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no whole answer within ${timeoutSeconds} s`;
  }
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join('; ');
  return messageOf(cause ?? error);
}
