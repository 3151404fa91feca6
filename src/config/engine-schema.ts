import { z } from 'zod';

const seconds = (least: number, most: number) => z.number().min(least).max(most);

/** `engine`: how the Docker engine itself is upgraded. */
export const engineSchema = z
  .strictObject({
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
  .describe('Upgrades of the Docker engine (`orchestrator-update engine upgrade`).');
