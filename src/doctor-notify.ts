import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { targetName, type Target } from './config/notify-schema.ts';
import type { Config } from './config/schema.ts';
import type { Finding } from './doctor.ts';
import { messageOf, OperatorError } from './errors.ts';
import { hiddenSecret } from './host/secret-file.ts';
import { checkSecrets } from './host/target-secrets.ts';
import { openStateFiles } from './host/state-files.ts';
import { readDeliveries } from './outbox.ts';

/** Whether those who are to be told can be: their secrets can be read, by root alone, and their programs run. */
export async function targetFindings(
  { notify: { targets }, root, project_dir, backups_dir }: Config,
  stateDirectory: string,
): Promise<Finding[]> {
  const shown = [root, project_dir, backups_dir];
  if (targets.length === 0) return [{ state: 'ok', subject: 'notify', detail: 'nobody is told' }];
  const waiting = await readDeliveries(openStateFiles(stateDirectory)).catch(() => []);
  return Promise.all(
    targets.map(async (target): Promise<Finding> => {
      const name = targetName(target);
      const subject = `notify ${name}`;
      try {
        await examine(target, shown);
      } catch (error) {
        const mend = error instanceof OperatorError ? { mend: error.next } : {};
        return { state: 'warning', subject, detail: messageOf(error), ...mend };
      }
      const failed = waiting.find((one) => one.target === name && one.attempts > 0);
      if (failed === undefined) return { state: 'ok', subject, detail: target.type };
      const detail = `was not told ${failed.attempts} times: ${failed.problem ?? ''}`;
      const mend = `orchestrator-update notify test ${name}`;
      return { state: 'warning', subject, detail, mend };
    }),
  );
}

async function examine(target: Target, shown: readonly string[]): Promise<void> {
  for (const [key, path] of Object.entries(target)) {
    if (!key.endsWith('_file') || typeof path !== 'string') continue;
    const hidden = hiddenSecret(path, `notify.targets: ${targetName(target)}: ${key}`, shown);
    if (hidden) throw hidden;
  }
  // A shell has no credentials of systemd: whether they are there, a run says.
  const needsSystemd = Object.keys(target).some((key) => key.endsWith('_credential'));
  if (needsSystemd && process.env['CREDENTIALS_DIRECTORY'] === undefined) return;
  await checkSecrets(target);
  const program =
    target.type === 'email'
      ? target.sendmail
      : target.type === 'command'
        ? target.command[0]
        : undefined;
  if (program === undefined) return;
  await access(program, constants.X_OK).catch(() => {
    const mend =
      target.type === 'email' ? 'apt-get install msmtp-mta    # or postfix' : `ls -l ${program}`;
    throw new OperatorError(`${program} is not there, or cannot be run`, mend);
  });
}
