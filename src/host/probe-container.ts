import { setTimeout as wait } from 'node:timers/promises';
import { importImage } from '../argv/engine.ts';
import { archiveOf, probeProgram } from '../core/probe-program.ts';
import { OperatorError } from '../errors.ts';
import { expect, type EngineApi } from './engine-api.ts';
import { exec } from './exec.ts';

/** Tells what a probe made, and an earlier one that was cut off has left. */
const LABEL = 'orchestrator-update.probe';
const PROGRAM = '/probe';
const IMPORT_SECONDS = 20;
const STEP_MS = 50;

/**
 * Makes a container of a program of our own, starts it, runs something in it, and takes everything away again: a
 * daemon that answers may still be unable to do that. No image and no container of anybody else is used.
 *
 * @param architecture as Docker names it
 * @returns false where there is no program for the architecture
 * @throws what did not work, in Docker's words
 */
export async function probeContainer(
  api: EngineApi,
  architecture: string,
  withinSeconds: number,
): Promise<boolean> {
  const program = probeProgram(architecture);
  if (program === undefined) return false;
  await removeLeft(api);
  const name = `orchestrator-update-probe:${process.pid}`;
  const archive = archiveOf(PROGRAM.slice(1), program);
  const imported = await exec(importImage(name), {
    timeoutSeconds: IMPORT_SECONDS,
    input: archive,
  });
  try {
    await runIn(api, imported.stdout.trim(), withinSeconds);
  } finally {
    await api('DELETE', `/images/${encodeURIComponent(name)}`).catch(() => undefined);
  }
  return true;
}

async function runIn(api: EngineApi, image: string, withinSeconds: number): Promise<void> {
  const wish = { Image: image, Cmd: [PROGRAM], Labels: { [LABEL]: '' } };
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

async function removeLeft(api: EngineApi): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [LABEL] }));
  const { body } = await api('GET', `/containers/json?all=true&filters=${filters}`);
  for (const { Id: id } of Array.isArray(body) ? (body as { Id: string }[]) : []) {
    await api('DELETE', `/containers/${id}?force=true&v=true`);
  }
}
