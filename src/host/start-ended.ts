import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { refusalOf, type ApiAnswer, type EngineApi } from './engine-api.ts';

/** What Docker starts by itself, it starts one after the other. */
const SETTLE_SECONDS = 60;
const STEADY_SECONDS = 5;
/** What it starts by itself it has begun to start before it answers. */
const NONE_SECONDS = 15;

/** The containers that run; undefined where the engine does not say. */
export async function runningIds(api: EngineApi): Promise<string[] | undefined> {
  const { body } = await api('GET', '/containers/json').catch(() => ({ body: undefined }));
  return Array.isArray(body) ? (body as { Id: string }[]).map(({ Id: id }) => id) : undefined;
}

/**
 * Starts those of these containers that have ended; what of them does not start, and why.
 *
 * @param areJobsToo also what is not to be restarted and has ended well: we have ended it ourselves
 */
export async function startEnded(
  api: EngineApi,
  ids: readonly string[],
  areJobsToo: boolean,
): Promise<string[]> {
  const all: Started[] = [];
  for (const id of ids) all.push(await startOne(api, id, areJobsToo));
  const isHopeless = all.every((one) => one.isHopeless);
  await settled(api, { mayBeNone: isHopeless });
  return all.flatMap(({ why }) => why ?? []);
}

/** What came of a start. */
interface Started {
  /** Why it does not start, if so. */
  readonly why?: string;
  /** Docker does not know it, or has refused to start it: it is not one that is still to come. */
  readonly isHopeless: boolean;
}

async function startOne(api: EngineApi, id: string, areJobsToo: boolean): Promise<Started> {
  try {
    const found = await api('GET', `/containers/${id}/json`);
    if (found.status === 404) return { isHopeless: true };
    if (!isToBeStarted(found, areJobsToo)) return { isHopeless: false };
    const answer = await api('POST', `/containers/${id}/start`);
    if ([204, 304].includes(answer.status)) return { isHopeless: false };
    return { why: refusalOf(answer, `to start ${id.slice(0, 12)}`), isHopeless: true };
  } catch (error) {
    return { why: messageOf(error), isHopeless: false };
  }
}

/** Not a job that has ended well meanwhile. */
function isToBeStarted({ status, body }: ApiAnswer, areJobsToo: boolean): boolean {
  if (status !== 200) return false;
  const { State: state, HostConfig: host } = body as {
    State: { Status: string; ExitCode: number };
    HostConfig: { RestartPolicy?: { Name: string } };
  };
  const isJob = ['', 'no', undefined].includes(host.RestartPolicy?.Name) && state.ExitCode === 0;
  return ['exited', 'created', 'dead'].includes(state.Status) && (areJobsToo || !isJob);
}

/**
 * Until it answers and nothing more is started for a while.
 *
 * @param mayBeNone nothing that runs is steady soon, too: nobody is left that may start
 * @param isGone whether nobody will answer: then it is not waited for
 */
export async function settled(
  api: EngineApi,
  {
    mayBeNone = false,
    isGone = async () => false,
  }: { readonly mayBeNone?: boolean; readonly isGone?: () => Promise<boolean> } = {},
): Promise<void> {
  const startedAtMs = performance.now();
  let before: string | undefined;
  let steadySinceMs = startedAtMs;
  while (performance.now() - startedAtMs < SETTLE_SECONDS * 1000) {
    const ids = await runningIds(api);
    if (ids === undefined && (await isGone())) return;
    const now = ids?.toSorted().join(' ');
    if (now !== before || now === undefined) steadySinceMs = performance.now();
    before = now;
    const steadySeconds = now === '' && !mayBeNone ? NONE_SECONDS : STEADY_SECONDS;
    if (performance.now() - steadySinceMs >= steadySeconds * 1000) return;
    await wait(500);
  }
}
