import { setTimeout as wait } from 'node:timers/promises';
import { importImage } from '../argv/engine.ts';
import { archiveOf, probeProgram } from '../core/probe-program.ts';
import { OperatorError } from '../errors.ts';
import { expect, type EngineApi } from './engine-api.ts';
import { CommandError, exec } from './exec.ts';

/** Tells what a probe made, and which process that was. */
export const PROBE_LABEL = 'orchestrator-update.probe';
const IMAGE = 'orchestrator-update-probe';
const PROGRAM = '/probe';
const IMPORT_SECONDS = 20;
const STEP_MS = 50;

/** Where and how it is tried. */
export interface ContainerProbe {
  readonly socket: string;
  /** As Docker names it. */
  readonly architecture: string;
  readonly withinSeconds: number;
}

/**
 * Makes a container of a program of our own, starts it, runs something in it, and takes everything away again: a
 * daemon that answers may still be unable to do that. No image and no container of anybody else is used.
 *
 * @returns why it could not be tried; undefined when it went well
 * @throws what did not work, in Docker's words
 */
export async function probeContainer(
  api: EngineApi,
  { socket, architecture, withinSeconds }: ContainerProbe,
): Promise<string | undefined> {
  const program = probeProgram(architecture);
  if (program === undefined) return `there is no program to try with for ${architecture}`;
  await removeLeft(api);
  const name = `${IMAGE}:${process.pid}`;
  const image = await importProgram(socket, name, program);
  if (image === undefined) return 'there is no docker to bring an image with';
  try {
    await runIn(api, image, withinSeconds);
  } finally {
    await api('DELETE', `/images/${encodeURIComponent(name)}`).catch(() => undefined);
  }
  return undefined;
}

async function importProgram(
  socket: string,
  name: string,
  program: Buffer,
): Promise<string | undefined> {
  const input = archiveOf(PROGRAM.slice(1), program);
  try {
    const command = importImage(socket, name);
    return (await exec(command, { timeoutSeconds: IMPORT_SECONDS, input })).stdout.trim();
  } catch (error) {
    if (error instanceof CommandError && error.message.includes('is not installed'))
      return undefined;
    throw error;
  }
}

async function runIn(api: EngineApi, image: string, withinSeconds: number): Promise<void> {
  const wish = {
    Image: image,
    Cmd: [PROGRAM],
    Labels: { [PROBE_LABEL]: String(process.pid) },
    // The usual driver may send to a server that is away.
    HostConfig: { LogConfig: { Type: 'none' } },
  };
  const created = expect(await api('POST', '/containers/create', wish), [201], 'a new container');
  const { Id: id } = created.body as { Id: string };
  const path = `/containers/${id}`;
  try {
    expect(await api('POST', `${path}/start`), [204], 'to start a new container');
    const inside = await api('POST', `${path}/exec`, { Cmd: [PROGRAM, 'end'] });
    const { Id: execId } = expect(inside, [201], 'to run something in a container').body as {
      Id: string;
    };
    expect(
      await api('POST', `/exec/${execId}/start`, { Detach: true }),
      [200],
      'to run something in a container',
    );
    await untilEnded(api, execId, withinSeconds);
  } finally {
    await api('DELETE', `${path}?force=true&v=true`).catch(() => undefined);
  }
  const gone = await api('GET', `${path}/json`);
  expect(gone, [404], 'to remove a container');
}

async function untilEnded(api: EngineApi, execId: string, withinSeconds: number): Promise<void> {
  const startedAtMs = performance.now();
  for (;;) {
    const answer = expect(await api('GET', `/exec/${execId}/json`), [200], 'how it ended');
    const { Running: isRunning, ExitCode: exitCode } = answer.body as {
      Running: boolean;
      ExitCode: number | null;
    };
    if (!isRunning && exitCode === 0) return;
    const why = isRunning ? `did not end within ${withinSeconds} s` : `ended with ${exitCode}`;
    if (!isRunning || performance.now() - startedAtMs > withinSeconds * 1000) {
      throw new OperatorError(
        `what was run in a new container ${why}`,
        'journalctl -u docker -u containerd -n 50',
      );
    }
    await wait(STEP_MS);
  }
}

/** What a probe that was cut off has left; not what another one is at. */
async function removeLeft(api: EngineApi): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [PROBE_LABEL] }));
  const containers = await listed<{ Id: string; Labels?: Record<string, string> }>(
    api,
    `/containers/json?all=true&filters=${filters}`,
  );
  for (const { Id: id, Labels: labels } of containers) {
    if (isOver(labels?.[PROBE_LABEL])) await api('DELETE', `/containers/${id}?force=true&v=true`);
  }
  const reference = encodeURIComponent(JSON.stringify({ reference: [IMAGE] }));
  const images = await listed<{ RepoTags?: readonly string[] | null }>(
    api,
    `/images/json?filters=${reference}`,
  );
  for (const tag of images.flatMap(({ RepoTags: tags }) => tags ?? [])) {
    if (isOver(tag.split(':').at(-1))) await api('DELETE', `/images/${encodeURIComponent(tag)}`);
  }
}

async function listed<Entry>(api: EngineApi, path: string): Promise<readonly Entry[]> {
  const { body } = await api('GET', path);
  return Array.isArray(body) ? (body as Entry[]) : [];
}

/** Whether the process that made it has ended. */
function isOver(pid: string | undefined): boolean {
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}
