import { dockerLogin, dockerPull } from '../argv/docker.ts';
import { printable } from '../argv/command.ts';
import type { Config } from '../config/schema.ts';
import { parseImageReference, registryOf } from '../core/image-reference.ts';
import {
  afterPullEvent,
  describePull,
  type PullEvent,
  type PullProgress,
} from '../core/pull-progress.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { ApiAnswer, EngineStream } from './engine-api.ts';
import type { Watch } from './exec.ts';
import { findRegistryAuth } from './registry-credentials.ts';

export interface PullContext {
  readonly config: Config;
  readonly stream: EngineStream;
  readonly signal: () => AbortSignal | undefined;
  readonly watch: Watch;
  readonly onProgress: (status: string, fraction?: number) => void;
}

/** Docker reports ten times a second for each layer; a person reads less. */
const SHOW_INTERVAL_MS = 200;

/**
 * Pulls an image through the Engine API, which tells of each byte (the command line does so on a
 * terminal only), so that a hang is told from a long download.
 *
 * @throws {OperatorError} that names the image, when it cannot be had or the pull hangs
 */
export async function pullImage(context: PullContext, reference: string): Promise<void> {
  const { timeouts } = context.config;
  const auth = await findRegistryAuth(reference);
  const seen = watchPull(context, reference);
  let why: string | undefined;
  try {
    const answer = await context.stream({
      method: 'POST',
      path: `/images/create?${query(reference)}`,
      headers: auth.header === undefined ? {} : { 'X-Registry-Auth': auth.header },
      timeoutSeconds: timeouts.pull_seconds,
      idleSeconds: timeouts.pull_idle_seconds,
      signal: context.signal(),
      onLine: seen.onLine,
    });
    why = seen.failure() ?? refusal(answer);
  } catch (error) {
    why = messageOf(error);
  }
  if (why !== undefined) throw pullError(reference, why, auth.problem);
}

/** Without a tag the API would pull every tag there is. */
function query(reference: string): string {
  const { name, tag, digest } = parseImageReference(reference);
  return new URLSearchParams({ fromImage: name, tag: digest ?? tag ?? 'latest' }).toString();
}

function watchPull(
  { config, watch, onProgress }: PullContext,
  reference: string,
): { onLine(line: string): void; failure(): string | undefined } {
  let progress: PullProgress = new Map();
  let failure: string | undefined;
  let shownAtMs = -Infinity;
  watch.started(config.timeouts.pull_idle_seconds);
  return {
    onLine: (line) => {
      const event = parseEvent(line);
      failure ??= event.error;
      progress = afterPullEvent(progress, event);
      const nowMs = performance.now();
      if (nowMs - shownAtMs < SHOW_INTERVAL_MS) return;
      shownAtMs = nowMs;
      const { text, fraction } = describePull(progress);
      // What moves comes first: a narrow terminal cuts the end off.
      onProgress(`${text} of ${reference}`, fraction);
      watch.started(config.timeouts.pull_idle_seconds);
    },
    failure: () => failure,
  };
}

function parseEvent(line: string): PullEvent {
  try {
    return JSON.parse(line) as PullEvent;
  } catch {
    // Not a reason to fail: whether the image is here is asked afterwards.
    return {};
  }
}

function refusal({ status, body }: ApiAnswer): string | undefined {
  if (status === 200) return undefined;
  return (body as { message?: string } | undefined)?.message ?? `HTTP ${status}`;
}

function pullError(reference: string, why: string, problem: string | undefined): OperatorError {
  const isDenied = /denied|unauthorized|authentication|credentials/i.test(why);
  const also = problem === undefined ? '' : ` (${problem})`;
  return new OperatorError(
    `the image ${reference} cannot be pulled: ${why}${also}`,
    printable(isDenied ? dockerLogin(registryOf(reference)) : dockerPull(reference)),
  );
}
