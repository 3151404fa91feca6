import type { Invocation } from '../command-table.ts';
import { alarmAdvice, type Verification } from '../core/verification.ts';
import { megabytes } from '../core/megabytes.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import { begun, goodText, readNextPart, remember, restoreVerification } from '../verify-backups.ts';
import { verifyByRestore } from '../verify-restore.ts';
import { RunUnderWayError, withLock, type Context } from './context.ts';

/** What a verb has to tell, to a program and to a person. */
export interface Answer {
  readonly json: unknown;
  readonly text: string;
  readonly exitCode?: ExitCode;
}

/** Reads all of a backup. It takes its time, and keeps no run from being begun. */
export async function verifyWhole(
  invocation: Invocation,
  { host, log }: Context,
  manifest: BackupManifest,
): Promise<Answer> {
  const at = begun(host, 'whole', manifest.name);
  const problems = await host.backups.verify(manifest);
  const isThere = (await host.backups.list()).some((one) => one.name === manifest.name);
  if (problems.length > 0 && !isThere) {
    throw new RefusedError(
      `${manifest.name} was removed meanwhile: a run had no more use for it`,
      'orchestrator-update backup verify',
    );
  }
  // One without digests cannot be verified: that does not make it a damaged one.
  const canBeKnown = manifest.mtreeDigest !== undefined;
  const found: Verification = { ...at, result: problems.length > 0 ? 'damaged' : 'good', problems };
  if (canBeKnown) {
    await withLock(invocation, () => remember(host, found)).catch((error: unknown) => {
      if (!(error instanceof RunUnderWayError)) throw error;
      log.warn(`what was found is not remembered: ${error.message}`);
    });
  }
  const json = { name: manifest.name, verified: problems.length === 0, problems };
  if (problems.length > 0) return bad(found, json);
  const size = `${manifest.files} entries, ${megabytes(manifest.sizeBytes)}`;
  return { json, text: `${manifest.name} is what was backed up: ${size}` };
}

/** Under the lock: no two of them read the same part. */
export async function verifyPart(
  { host, config }: Context,
  name: string | undefined,
): Promise<Answer> {
  if (name !== undefined) {
    throw new UsageError(
      '--sample takes no NAME: it reads the next part of the newest backup that is not known to be damaged',
      `orchestrator-update backup verify ${name}    # reads all of it`,
    );
  }
  const found = await readNextPart(host, config);
  const { backup, part, files = 0, bytes = 0, problems, result } = found;
  const json = { name: backup, part, files, bytes, verified: result === 'good', problems };
  if (result === 'good') return { json, text: goodText(found) };
  if (result === 'damaged') return bad(found, json);
  const text = `part ${part?.number} of ${part?.of} of the backup ${backup} was not read to its end: ${problems.join('; ')}`;
  return { json, text, exitCode: exitCodes.failed };
}

/** Under the lock: nobody takes the backup meanwhile, nor is two brought up. */
export async function bringUp(
  { host, config }: Context,
  manifest: BackupManifest,
): Promise<Answer> {
  const at = begun(host, 'restore', manifest.name);
  const verdict = await verifyByRestore(host, config, manifest);
  const found = await remember(host, restoreVerification(at, verdict));
  const { problems } = verdict;
  const json = { name: manifest.name, verified: problems.length === 0, problems };
  return problems.length === 0
    ? { json, text: `${manifest.name} was laid out, brought up beside the cluster, and is healthy` }
    : bad(found, json);
}

function bad(found: Verification, json: { readonly problems: readonly string[] }): Answer {
  const what = found.result === 'not up' ? 'cannot be relied on' : 'is damaged';
  const lines = json.problems.map((problem) => `  ${problem}`);
  const text = [`${found.backup} ${what}:`, ...lines, `next: ${alarmAdvice(found)}`].join('\n');
  return { json, text, exitCode: exitCodes.failed };
}
