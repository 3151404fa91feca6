import { z } from 'zod';

const days = (usual: number) => z.number().min(0).max(3650).default(usual);

/** Keys of the verification of backups by the timer. */
export const verifySchema = z
  .strictObject({
    sample_days: days(1).describe(
      'Days from one reading of a part of the newest backup to the next; 0: none. The next part each time, so that a cycle reads every file.',
    ),
    sample_percent: z
      .number()
      .min(0)
      .max(100)
      .default(15)
      .describe(
        'How much of it is read each time, in percent; files are not divided, so large ones make it more or less. 15: all of it within seven times. 0: none.',
      ),
    restore_days: days(0).describe(
      'Days from one `backup verify --restore` to the next: the newest backup is brought up beside the cluster, which takes room for another copy of it, memory for its containers, and time. 0: none.',
    ),
  })
  .prefault({})
  .describe(
    'The verification of backups by the timer, in a run that has nothing else to do. A backup that is damaged, or does not come up, is an alarm.',
  );
