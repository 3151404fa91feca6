import { diskFailureIn, messageOf, OperatorError, RefusedError } from '../errors.ts';
import { CommandError } from './exec.ts';

/**
 * Writes a part of a backup. There was room when it was measured; somebody else may have taken it since, or the
 * disk has failed.
 *
 * @throws {OperatorError} that names the backups directory where its disk takes nothing more; else what `write` throws
 */
export async function onBackupDisk<T>(directory: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    const said = error instanceof CommandError ? error.stderr : messageOf(error);
    const failure = diskFailureIn(said);
    if (failure === undefined) throw error;
    throw new OperatorError(
      `the backup in ${directory} could not be written: ${failure.line}`,
      failure.next,
    );
  }
}
