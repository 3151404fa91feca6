import type { ProbeResult } from '../core/health.ts';
import { messageOf } from '../errors.ts';

/** How much of an answer is read: enough to show why a probe failed. */
const BODY_CHARACTERS = 200;

/**
 * Asks one URL. Healthy is any 2xx; redirects are not followed. The time is for the whole
 * answer, so an endpoint that trickles bytes fails as well.
 */
export async function probe(url: string, timeoutSeconds: number): Promise<ProbeResult> {
  try {
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    // oxlint-disable-next-line no-restricted-globals -- this is the one place that fetches
    const response = await fetch(url, { signal, redirect: 'manual' });
    const body = await response.text();
    const firstLine = body.slice(0, BODY_CHARACTERS).split('\n')[0] ?? '';
    const detail = `HTTP ${response.status}${firstLine ? `: ${firstLine}` : ''}`;
    return { url, ok: response.ok, detail };
  } catch (error) {
    return { url, ok: false, detail: failure(error, timeoutSeconds) };
  }
}

function failure(error: unknown, timeoutSeconds: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no whole answer within ${timeoutSeconds} s`;
  }
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join('; ');
  return messageOf(cause ?? error);
}
