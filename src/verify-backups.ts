import type { Config } from './config/schema.ts';
import {
  damagedNames,
  dueVerification,
  nextPart,
  withVerification,
  type Verification,
  type VerificationKind,
  type VerificationRecord,
} from './core/verification.ts';
import { megabytes } from './core/megabytes.ts';
import { messageOf, RefusedError } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { readVerifications, writeVerifications } from './records.ts';
import { verifyByRestore } from './verify-restore.ts';

/** How long Docker may be away before a backup is brought up. */
const ENGINE_WAIT_SECONDS = 60;

/**
 * Makes the verification that is due. Whatever comes of it, no update depends on it.
 *
 * @returns what came of it; undefined where none was due
 * @throws when it was stopped; then it is as if it had not been begun
 */
export async function verifyWhatIsDue(
  host: Host,
  config: Config,
): Promise<Verification | undefined> {
  const record = await readVerifications(host.state, () =>
    host.log.warn(
      'what was known of the verification of backups is damaged: all of them count as good again',
    ),
  );
  const due = dueVerification(record, config.backup.verify, host.now().getTime());
  if (due === undefined) return undefined;
  const manifest = await newestGood(host, record);
  const verification =
    manifest === undefined
      ? begun(host, due, '')
      : due === 'sample'
        ? await sample(host, config, record, manifest)
        : await bringUp(host, config, manifest);
  const found = await remember(host, verification);
  if (found.result === 'good') host.log.info(goodText(found));
  if (found.result === 'unfinished') {
    host.log.warn(`the backup ${found.backup} was not verified: ${found.problems.join('; ')}`);
  }
  return found;
}

/**
 * Reads the next part of the newest backup that is not known to be damaged.
 *
 * @throws {RefusedError} where there is none, or no part is to be read
 */
export async function readNextPart(host: Host, config: Config): Promise<Verification> {
  if (config.backup.verify.sample_percent === 0) {
    throw new RefusedError(
      'no part of a backup is to be read: backup.verify.sample_percent is 0',
      'orchestrator-update backup verify    # reads all of it',
    );
  }
  const record = await readVerifications(host.state);
  const manifest = await newestGood(host, record);
  if (manifest === undefined) {
    throw new RefusedError(
      'there is no backup that could be verified: none with digests that is not known to be damaged',
      'orchestrator-update backup create; orchestrator-update backup list',
    );
  }
  return remember(host, await sample(host, config, record, manifest));
}

/** The newest one with digests; it is no news that a damaged one is damaged. */
async function newestGood(
  host: Host,
  record: VerificationRecord,
): Promise<BackupManifest | undefined> {
  const damaged = damagedNames(record);
  const backups = await host.backups.list();
  return backups.find(({ name, mtreeDigest }) => mtreeDigest !== undefined && !damaged.has(name));
}

async function sample(
  host: Host,
  config: Config,
  record: VerificationRecord,
  manifest: BackupManifest,
): Promise<Verification> {
  const part = nextPart(record.last.sample, config.backup.verify.sample_percent);
  const at = begun(host, 'sample', manifest.name);
  try {
    const { files, bytes, problems } = await host.backups.sample(manifest, part);
    const result = problems.length > 0 ? 'damaged' : 'good';
    return { ...at, result, problems, part, files, bytes };
  } catch (error) {
    // The next part is read the next time: one that is too large would keep all others from being read.
    return { ...unfinished(host, at, error), part };
  }
}

async function bringUp(
  host: Host,
  config: Config,
  manifest: BackupManifest,
): Promise<Verification> {
  const at = begun(host, 'restore', manifest.name);
  try {
    // A Docker that is away says nothing of a backup.
    if (!(await host.engine.waitUntilUp(ENGINE_WAIT_SECONDS))) {
      throw new Error('Docker does not answer');
    }
    return restoreVerification(at, await verifyByRestore(host, config, manifest));
  } catch (error) {
    return unfinished(host, at, error);
  }
}

/** What `verifyByRestore` has found, as it is remembered. */
export function restoreVerification(
  at: Verification,
  { isDamaged, problems }: Awaited<ReturnType<typeof verifyByRestore>>,
): Verification {
  const bad = isDamaged ? 'damaged' : 'not up';
  return { ...at, result: problems.length > 0 ? bad : 'good', problems };
}

/** A verification of which nothing is known yet. */
export function begun(host: Host, kind: VerificationKind, backup: string): Verification {
  return { kind, atMs: host.now().getTime(), backup, result: 'none', problems: [] };
}

function unfinished(host: Host, at: Verification, error: unknown): Verification {
  if (host.interruptedBy() !== undefined) throw error;
  return { ...at, result: 'unfinished', problems: [messageOf(error)] };
}

/**
 * Writes down what came of a verification.
 *
 * @returns the same; of a backup that a person removed meanwhile nothing is wrong
 */
export async function remember(host: Host, verification: Verification): Promise<Verification> {
  const there = (await host.backups.list()).map(({ name }) => name);
  const isGone = verification.backup !== '' && !there.includes(verification.backup);
  const found: Verification = isGone
    ? { ...verification, result: 'unfinished', problems: ['it was removed meanwhile'] }
    : verification;
  try {
    const record = withVerification(await readVerifications(host.state), found, there);
    await writeVerifications(host.state, record);
  } catch (error) {
    if (host.interruptedBy() !== undefined) throw error;
    // What was found is told all the same.
    host.log.warn(`the verification of ${found.backup} cannot be remembered: ${messageOf(error)}`);
  }
  return found;
}

/** What was verified, for a person. */
export function goodText({ kind, backup, part, files = 0, bytes = 0 }: Verification): string {
  if (kind === 'whole') return `the backup ${backup} is what was backed up`;
  if (kind === 'restore') {
    return `the backup ${backup} was laid out, brought up beside the cluster, and is healthy`;
  }
  const which = `part ${part?.number} of ${part?.of} of the backup ${backup}`;
  return `${which} is what was backed up: ${files} files, ${megabytes(bytes)} read`;
}
