import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { expect, type EngineApi } from './engine-api.ts';

/** What Docker starts by itself, it starts one after the other. */
const SETTLE_SECONDS = 60;
const STEADY_SECONDS = 5;

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
  const failed: string[] = [];
  for (const id of ids) failed.push(...(await startOne(api, id, areJobsToo)));
  await settled(api);
  return failed;
}

/** Why it does not start, if so. */
async function startOne(api: EngineApi, id: string, areJobsToo: boolean): Promise<string[]> {
  try {
    if (!(await isToBeStarted(api, id, areJobsToo))) return [];
    expect(await api('POST', `/containers/${id}/start`), [204, 304], `to start ${id.slice(0, 12)}`);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** Not a job that has ended well meanwhile. */
async function isToBeStarted(api: EngineApi, id: string, areJobsToo: boolean): Promise<boolean> {
  const { status, body } = await api('GET', `/containers/${id}/json`);
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
 * @param isGone whether nobody will answer: then it is not waited for
 */
export async function settled(
  api: EngineApi,
  isGone: () => Promise<boolean> = async () => false,
): Promise<void> {
  const startedAtMs = performance.now();
  let before = '';
  let steadySinceMs = startedAtMs;
  while (performance.now() - startedAtMs < SETTLE_SECONDS * 1000) {
    const ids = await runningIds(api);
    if (ids === undefined && (await isGone())) return;
    const now = ids?.toSorted().join(' ') ?? '';
    if (now !== before || now === '') steadySinceMs = performance.now();
    before = now;
    if (performance.now() - steadySinceMs >= STEADY_SECONDS * 1000) return;
    await wait(500);
  }
}
