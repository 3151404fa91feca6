import { z } from 'zod';
import { absolutePath } from './absolute-path.ts';

const repository = z
  .string()
  .regex(
    /^(\/|local:\/|rest:https?:\/\/|(sftp|s3|rclone|b2|azure|gs|swift):)[^\0\n]+$/,
    'a repository of restic is expected: an absolute path, sftp:…, s3:…, rest:https://…, rclone:…, b2:…',
  );
const count = (usual: number) => z.number().int().min(0).max(10_000).default(usual);
const days = (usual: number) => z.number().min(0).max(3650).default(usual);

/** Keys of the history of backups: what a restic repository keeps, where and for how long. */
export const historySchema = z
  .strictObject({
    repository: repository
      .optional()
      .describe(
        'The restic repository that keeps the history of backups, as restic names it: an absolute path, `sftp:user@host:/path`, `s3:https://host/bucket`, `rest:https://host/`, `rclone:remote:path`, `b2:bucket:path` … Not set: no history.',
      ),
    password_file: absolutePath
      .optional()
      .describe(
        'The file with the password of the repository; needed with `repository`. A file of root that nobody else may read (0600), no link. Keep a copy elsewhere: without it the history cannot be read.',
      ),
    environment_file: absolutePath
      .optional()
      .describe(
        'A file with `KEY=VALUE` lines that restic gets as its environment, such as `AWS_ACCESS_KEY_ID`. A file of root that nobody else may read (0600), no link.',
      ),
    keep: z
      .strictObject({
        hourly: count(24).describe('Of the last hours that have a backup, one each.'),
        daily: count(7).describe('Of the last days that have a backup, one each.'),
        weekly: count(5).describe('Of the last weeks that have a backup, one each.'),
        monthly: count(12).describe('Of the last months that have a backup, one each.'),
      })
      .refine(
        (keep) => Object.values(keep).some((number) => number > 0),
        'one of hourly, daily, weekly and monthly must be more than 0',
      )
      .prefault({})
      .describe('How many snapshots the history keeps; the others are removed.'),
    prune_every_days: days(1).describe(
      'Days from one removal of old snapshots to the next; 0: after every backup.',
    ),
    check_every_days: days(7).describe(
      'Days from one check of the repository to the next; 0: after every backup.',
    ),
    check_subset_percent: z
      .number()
      .min(0)
      .max(100)
      .default(15)
      .describe(
        'How much of the data a check reads back, chosen at random. Without reading it, damaged data is not seen. 0: none.',
      ),
    required: z
      .boolean()
      .default(true)
      .describe(
        'Whether an update waits for the history: `true`, and a backup that the history cannot take has failed; `false`, and that is a warning.',
      ),
    timeout_seconds: z
      .number()
      .min(1)
      .max(86_400 * 7)
      .default(7200)
      .describe('A restic command, in all.'),
  })
  .refine((history) => history.repository === undefined || history.password_file !== undefined, {
    path: ['password_file'],
    error: 'is needed with history.repository',
  })
  .prefault({})
  .describe('The history of backups in a restic repository, on another disk or another host.');

export type HistoryConfig = z.output<typeof historySchema>;

/** The directory of a repository on this host; undefined for one elsewhere. */
export function localDirectory(name: string): string | undefined {
  const path = name.replace(/^local:/, '');
  return path.startsWith('/') ? path : undefined;
}
