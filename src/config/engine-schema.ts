import { z } from 'zod';
import { windowSchema } from './window-schema.ts';

const seconds = (least: number, most: number) => z.number().min(least).max(most);

/** `engine`: how the Docker engine itself is upgraded. */
export const engineSchema = z
  .strictObject({
    mode: z
      .enum(['off', 'notify', 'security', 'auto'])
      .default('notify')
      .describe(
        'What the timer does about a newer engine, once a day: nothing (`off`), say that it can be had (`notify`), upgrade to what comes from a security archive of the distribution or is another patch release of Docker’s own (`security`), or to whatever is newer (`auto`).',
      ),
    windows: z
      .array(windowSchema)
      .default([])
      .describe(
        'When such an upgrade may begin, as `schedule.windows`; empty: at any time. The days of `schedule.freezes` keep it back, too.',
      ),
    repair: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe(
        'What a run of the service does that finds Docker dead, or hanging: `engine repair` (`auto`), or nothing (`off`). One that was stopped on purpose is not taken for dead.',
      ),
    repair_max_rung: z
      .number()
      .int()
      .min(2)
      .max(19)
      .default(8)
      .describe(
        'How far up the ladder of `engine repair` such a run goes by itself (docs/recovery.md).',
      ),
    live_restore: z
      .boolean()
      .default(true)
      .describe(
        'Docker is told to let containers run on while it is restarted (`live-restore`), for the time of an upgrade, where it is not so already.',
      ),
    backup_hours: seconds(0.1, 8760)
      .default(24)
      .describe('How old the newest good backup may be when an upgrade begins.'),
    start_seconds: seconds(5, 3600)
      .default(120)
      .describe('A daemon that is not ready within this time is taken for one that never will be.'),
    settle_seconds: seconds(1, 3600)
      .default(60)
      .describe('How long an engine that was restarted may take until all is well.'),
    hold_seconds: seconds(0, 86_400)
      .default(300)
      .describe('How long a new engine is watched after that before it is believed.'),
  })
  .prefault({})
  .describe('The Docker engine itself: how it is mended and upgraded.');

/** The configuration of the engine. */
export type EngineConfig = z.output<typeof engineSchema>;
