import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { listTasks } from '../argv/engine.ts';
import {
  orphansIn,
  shimTasksIn,
  tasksIn,
  type EngineProbe,
  type EngineProbeName,
  type Process,
  type Task,
} from '../core/engine-health.ts';
import { messageOf } from '../errors.ts';
import { expect, openEngineApi, type EngineApi } from './engine-api.ts';
import { CommandError, exec } from './exec.ts';
import { probeContainer } from './probe-container.ts';
import { probePorts } from './probe-ports.ts';

const API_SECONDS = 5;
const CONTAINER_SECONDS = 20;
const TASKS_SECONDS = 10;
/** A container that is just being started has a task before Docker says so. */
const BETWEEN_LOOKS_MS = 2000;

/** What a probe has found. */
export type Verdict = Pick<EngineProbe, 'state' | 'detail'>;

/**
 * Asks the engine in four ways whether it works; that its units are active proves nothing. Takes up to half a minute
 * where it does not.
 */
export async function probeEngine(socket: string): Promise<EngineProbe[]> {
  const quick = openEngineApi(socket, API_SECONDS);
  const patient = openEngineApi(socket, CONTAINER_SECONDS);
  const api = await timed('api', () => probeApi(quick));
  if (api.state !== 'ok') {
    const unknown = { state: 'unknown', detail: 'Docker does not answer', seconds: 0 } as const;
    return [
      api,
      ...(['container', 'ports', 'tasks'] as const).map((name) => ({ name, ...unknown })),
    ];
  }
  const container = await timed('container', () => probeNewContainer(patient, socket));
  return [
    api,
    container,
    await timed('ports', () => probePorts(patient)),
    await timed('tasks', () => probeTasks(patient)),
  ];
}

async function timed(name: EngineProbeName, ask: () => Promise<Verdict>): Promise<EngineProbe> {
  const startedAtMs = performance.now();
  const verdict = await ask().catch((error: unknown): Verdict => ({
    // Of the others, what could not be asked says nothing.
    state: name === 'api' || name === 'container' ? 'failed' : 'unknown',
    detail: messageOf(error),
  }));
  return { name, ...verdict, seconds: Math.round(performance.now() - startedAtMs) / 1000 };
}

async function probeApi(api: EngineApi): Promise<Verdict> {
  const answer = expect(await api('GET', '/version'), [200], 'its version');
  const { Version: version = '', ApiVersion: newest = '' } = answer.body as Record<string, string>;
  return { state: 'ok', detail: `dockerd ${version} answers, API ${newest}` };
}

async function probeNewContainer(api: EngineApi, socket: string): Promise<Verdict> {
  const { body } = expect(await api('GET', '/version'), [200], 'its version');
  const { Arch: architecture = '' } = body as Record<string, string>;
  const why = await probeContainer(api, { socket, architecture, withinSeconds: CONTAINER_SECONDS });
  return why === undefined
    ? { state: 'ok', detail: 'a new container was made, started, used and removed' }
    : { state: 'unknown', detail: why };
}

async function probeTasks(api: EngineApi): Promise<Verdict> {
  const { orphans, count } = await stayingOrphans(api);
  if (orphans.length === 0) return known(count);
  const names = orphans.map(({ id, pid }) => `${id.slice(0, 12)} (process ${pid})`);
  return {
    state: 'failed',
    detail: `Docker does not know what runs: ${names.join(', ')}; a second one may write to the same data`,
  };
}

/** What runs and Docker does not know, twice in a row: what crashes has a task at one moment and none at the next. */
export async function stayingOrphans(api: EngineApi): Promise<{ orphans: Task[]; count: number }> {
  const first = await orphansNow(api);
  if (first.orphans.length === 0) return first;
  await wait(BETWEEN_LOOKS_MS);
  const { orphans, count } = await orphansNow(api);
  const pids = new Set(first.orphans.map(({ pid }) => pid));
  return { orphans: orphans.filter(({ pid }) => pids.has(pid)), count };
}

function known(count: number): Verdict {
  return { state: 'ok', detail: `Docker knows all that runs (${count})` };
}

async function orphansNow(api: EngineApi): Promise<{ orphans: Task[]; count: number }> {
  const all = (await Promise.all([tasksOfContainerd(), shimTasks()])).flat();
  const orphans = orphansIn(all, await runningContainers(api));
  return { orphans, count: new Set(all.map(({ id }) => id)).size };
}

/** None where there is no `ctr`: the shims tell nearly the same. */
async function tasksOfContainerd(): Promise<Task[]> {
  try {
    return tasksIn((await exec(listTasks, { timeoutSeconds: TASKS_SECONDS })).stdout);
  } catch (error) {
    if (error instanceof CommandError && error.message.includes('is not installed')) return [];
    throw error;
  }
}

/** The containers that run on this host, by the shims that hold them. */
export async function shimTasks(): Promise<Task[]> {
  return shimTasksIn(await ownProcesses());
}

/** Not those of containers: one of them may run an engine of its own. */
async function ownProcesses(): Promise<Process[]> {
  const own = await readlink('/proc/self/ns/pid');
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const [text, namespace] = await Promise.all([
        readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => ''),
        readlink(`/proc/${name}/ns/pid`).catch(() => ''),
      ]);
      return namespace === own ? [{ pid: Number(name), words: text.split('\0') }] : [];
    }),
  );
  return found.flat();
}

/** For Docker, one that it is about to start again does not run; one that it has just made soon will. */
async function runningContainers(api: EngineApi): Promise<ReadonlySet<string>> {
  const listed = await api('GET', '/containers/json?all=true');
  const { body } = expect(listed, [200], 'its containers');
  const containers = body as { Id: string; State: string }[];
  const runs = ['running', 'paused', 'created', 'removing'];
  return new Set(
    containers.filter(({ State: state }) => runs.includes(state)).map(({ Id: id }) => id),
  );
}
