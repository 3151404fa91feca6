import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerExec } from '../argv/docker.ts';
import type { Dump } from '../core/dump.ts';
import { OperatorError } from '../errors.ts';
import type { BackupDraft } from './backup-host.ts';
import type { BackupContext } from './backup-layout.ts';
import { exec } from './exec.ts';

/** More than the last line of any dump that is whole. */
const END_BYTES = 200;

/** A dump is for root only: it has everything in it. */
export async function writeDump(
  context: BackupContext,
  { directory }: BackupDraft,
  dump: Dump,
): Promise<void> {
  const { container, script, file } = dump;
  const dumps = join(directory, 'dumps');
  await mkdir(dumps, { recursive: true, mode: 0o700 });
  const signal = context.signal();
  context.onProgress(`dumping ${container.service}`);
  await exec(dockerExec(container.id, script), {
    timeoutSeconds: context.config.timeouts.backup_seconds,
    stdoutFile: join(dumps, file),
    watch: context.watch,
    ...(signal ? { signal } : {}),
  });
  await requireWhole(join(dumps, file), dump);
}

/** @throws {OperatorError} where it does not end as one that is whole */
export async function requireWhole(path: string, { container, lastLine }: Dump): Promise<void> {
  if (lastLine === undefined) return;
  const found = await lastLineOf(path);
  if (found === lastLine) return;
  throw new OperatorError(
    `the dump of ${container.service} is not whole: it ends with ${JSON.stringify(found)}`,
    'is its database damaged, or locked for minutes? orchestrator-update backup create tries again',
  );
}

async function lastLineOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - END_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(END_BYTES), 0, END_BYTES, from);
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').at(-1) ?? '';
  } finally {
    await file.close();
  }
}
