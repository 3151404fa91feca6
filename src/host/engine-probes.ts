import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { listTasks } from '../argv/engine.ts';
import {
  orphansIn,
  reachedAt,
  tasksIn,
  type EngineProbe,
  type EngineProbeName,
  type PublishedPort,
  type Task,
} from '../core/engine-health.ts';
import { messageOf } from '../errors.ts';
import { expect, openEngineApi, type EngineApi } from './engine-api.ts';
import { CommandError, exec } from './exec.ts';
import { probeContainer } from './probe-container.ts';

const API_SECONDS = 3;
const CONTAINER_SECONDS = 20;
const PORT_SECONDS = 3;
const TASKS_SECONDS = 10;
/** docker-proxy takes a connection, and closes it when nobody is behind it. */
const CLOSED_AT_ONCE_MS = 300;
/** A container that is just being started has a task before Docker says so. */
const BETWEEN_LOOKS_MS = 2000;

/** What a probe has found: undefined for well. */
type Verdict = Pick<EngineProbe, 'state' | 'detail'>;

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
  const container = await timed('container', () => probeNewContainer(patient));
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
    state: 'failed',
    detail: messageOf(error),
  }));
  return { name, ...verdict, seconds: Math.round(performance.now() - startedAtMs) / 1000 };
}

async function probeApi(api: EngineApi): Promise<Verdict> {
  const answer = expect(await api('GET', '/version'), [200], 'its version');
  const { Version: version = '', ApiVersion: newest = '' } = answer.body as Record<string, string>;
  return { state: 'ok', detail: `dockerd ${version} answers, API ${newest}` };
}

async function probeNewContainer(api: EngineApi): Promise<Verdict> {
  const { body } = expect(await api('GET', '/version'), [200], 'its version');
  const { Arch: architecture = '' } = body as Record<string, string>;
  const isMade = await probeContainer(api, architecture, CONTAINER_SECONDS);
  return isMade
    ? { state: 'ok', detail: 'a new container was made, started, used and removed' }
    : { state: 'unknown', detail: `there is no program to try with for ${architecture}` };
}

async function probePorts(api: EngineApi): Promise<Verdict> {
  const published = await publishedPorts(api);
  const answers = await Promise.all(
    published.map(async (one) => [one, await isReached(one)] as const),
  );
  const dead = answers.filter(([, reached]) => !reached).map(([one]) => one);
  if (dead.length === 0) {
    return { state: 'ok', detail: `${published.length} published ports of TCP answer` };
  }
  const names = dead.map(({ address, port, container }) => `${address}:${port} (${container})`);
  return { state: 'failed', detail: `nobody answers at ${names.join(', ')}` };
}

async function publishedPorts(api: EngineApi): Promise<PublishedPort[]> {
  const { body } = expect(await api('GET', '/containers/json'), [200], 'its containers');
  const containers = body as {
    Names?: readonly string[];
    Ports?: readonly { IP?: string; PublicPort?: number; Type?: string }[] | null;
  }[];
  return containers.flatMap(({ Names: names, Ports: ports }) =>
    (ports ?? []).flatMap(({ IP: address = '', PublicPort: port, Type: type }) =>
      port === undefined || type !== 'tcp'
        ? []
        : [{ address, port, container: (names?.[0] ?? '').replace(/^\//, '') }],
    ),
  );
}

/** Whether somebody takes a connection and does not end it at once. */
function isReached(published: PublishedPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...reachedAt(published), timeout: PORT_SECONDS * 1000 });
    const finish = (reached: boolean) => (): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', () => setTimeout(finish(true), CLOSED_AT_ONCE_MS));
    socket.once('data', finish(true));
    for (const event of ['error', 'end', 'timeout']) socket.once(event, finish(false));
  });
}

async function probeTasks(api: EngineApi): Promise<Verdict> {
  let orphans: Task[] = [];
  for (let look = 1; look <= 2; look++) {
    const tasks = await tasksNow();
    if (tasks === undefined)
      return { state: 'unknown', detail: 'there is no ctr to ask containerd' };
    orphans = orphansIn(tasks, await knownContainers(api));
    if (orphans.length === 0) {
      return { state: 'ok', detail: `Docker knows every task of containerd (${tasks.length})` };
    }
    await wait(BETWEEN_LOOKS_MS);
  }
  const names = orphans.map(({ id, pid }) => `${id.slice(0, 12)} (process ${pid})`);
  return {
    state: 'failed',
    detail: `Docker does not know what runs: ${names.join(', ')}; a second one may write to the same data`,
  };
}

async function tasksNow(): Promise<Task[] | undefined> {
  try {
    return tasksIn((await exec(listTasks, { timeoutSeconds: TASKS_SECONDS })).stdout);
  } catch (error) {
    if (error instanceof CommandError && error.message.includes('is not installed'))
      return undefined;
    throw error;
  }
}

async function knownContainers(api: EngineApi): Promise<ReadonlySet<string>> {
  const listed = await api('GET', '/containers/json');
  const { body } = expect(listed, [200], 'its containers');
  return new Set((body as { Id: string }[]).map(({ Id: id }) => id));
}
