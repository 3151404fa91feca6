import { z } from 'zod';
import { historySchema } from './history-schema.ts';
import { windowSchema } from './window-schema.ts';
import { engineSchema } from './engine-schema.ts';
import { notifySchema } from './notify-schema.ts';
import { verifySchema } from './verify-schema.ts';
import { imagesSchema } from './images-schema.ts';
import { metricsSchema, reportSchema } from './report-schema.ts';
import { absolutePath } from './absolute-path.ts';

const seconds = (least: number, most: number) => z.number().min(least).max(most);
const httpUrl = z.url({ protocol: /^https?$/, error: 'an http:// or https:// URL is expected' });
const gitName = z
  .string()
  .regex(/^(?!-)(?!.*\.\.)[^\s~^:?*[\\\0-\x1f]+$/, 'a git branch or remote name is expected');

const day = z.iso.date({ error: 'a day is expected: 2026-12-24' });

const policyAction = (usual: 'apply' | 'approve') =>
  z.enum(['apply', 'approve', 'refuse']).default(usual);

/**
 * The configuration, key by key: meaning (`describe`), default and range. The page
 * docs/configuration.md is generated from it.
 */
export const configSchema = z.strictObject({
  root: absolutePath
    .default('/home/geo/operation')
    .describe('Where the cluster lives: the git work tree, or a directory around it.'),
  project_dir: absolutePath
    .optional()
    .describe('The directory docker compose is run in. Default: `autonomy` below `root`.'),
  project_name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/, 'lower-case letters, digits, - and _ are expected')
    .default('autonomy')
    .describe('The compose project. It must be the one the running containers belong to.'),
  repository: absolutePath
    .optional()
    .describe(
      'The git work tree that is followed. Default: `root` if that is a work tree that tracks the project directory (or has it as a submodule), else the project directory.',
    ),
  remote: gitName.default('origin').describe('The git remote that is followed.'),
  branch: gitName.default('embody-alpha').describe('The deploy branch.'),
  backups_dir: absolutePath
    .optional()
    .describe('Where backups are kept. Default: `backups` below `root`.'),
  strategy: z
    .enum(['reconcile', 'rebuild'])
    .default('reconcile')
    .describe(
      '`reconcile` re-creates only what changed. `rebuild` takes the whole cluster down and up again.',
    ),
  mode: z
    .enum(['auto', 'approve', 'notify'])
    .default('auto')
    .describe(
      'Who begins an update. `auto`: the timer, where `policy` lets it. `approve`: it waits until a person says `orchestrator-update approve`. `notify`: the service only tells that there is one; `orchestrator-update run` in a shell, or `approve`, applies it.',
    ),
  auto_update: z
    .boolean()
    .optional()
    .describe('Another word for `mode`: `false` is `notify`, `true` is `auto`.'),
  policy: z
    .strictObject({
      safe: policyAction('apply').describe(
        'A change that touches no data and no door of the host.',
      ),
      look: policyAction('apply').describe(
        'A change a person may want to look at: it makes a service with data anew, changes a published port, or removes a service.',
      ),
      dangerous: policyAction('approve').describe(
        'A change that can lose sight of data or give a container the host: a volume or a directory moved, another major version of a database, `privileged`, the Docker socket …',
      ),
      drift: z
        .enum(['repair', 'report'])
        .default('repair')
        .describe(
          'Services that run with other settings than their release has: the next update of the cluster makes them anew (`repair`), or leaves them as they are (`report`).',
        ),
    })
    .prefault({})
    .describe(
      'What a run may do by itself: `apply` it, wait until a person says `orchestrator-update approve`, or `refuse` it.',
    ),
  schedule: z
    .strictObject({
      windows: z
        .array(windowSchema)
        .default([])
        .describe(
          'When an update may begin by itself, in the local time of the host: `{days: [sat, sun], from: "02:00", to: "05:00"}`; without `days` every day. Empty: at any time.',
        ),
      freezes: z
        .array(
          z.strictObject({
            from: day,
            to: day,
            reason: z.string().default(''),
          }),
        )
        .default([])
        .describe(
          'Days on which none begins by itself, both included: `{from: 2026-12-20, to: 2027-01-06, reason: holidays}`.',
        ),
    })
    .prefault({})
    .describe('When the timer may update. What a person starts in a shell is not kept back.'),
  compose: z
    .strictObject({
      files: z
        .array(z.string().min(1))
        .default([])
        .describe('Compose files, relative to the project directory. Empty: what compose finds.'),
      profiles: z.array(z.string().min(1)).default([]).describe('Active profiles.'),
      environment: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
        .default({})
        .describe('Variables for docker compose, beside those of the `.env` file.'),
    })
    .prefault({})
    .describe('How docker compose is called.'),
  health: z
    .strictObject({
      urls: z
        .array(httpUrl)
        .default([
          'http://localhost:8082/health',
          'http://localhost:5001/health',
          'http://localhost:8200/health',
        ])
        .describe('URLs that must answer with 2xx when the cluster is healthy.'),
      timeout_seconds: seconds(1, 3600)
        .default(120)
        .describe('How long a release may take to become healthy.'),
      stable_seconds: seconds(0, 600)
        .default(10)
        .describe('How long it must then stay healthy, with no restart, before it is believed.'),
      interval_seconds: seconds(0.1, 60).default(1).describe('Time between two looks.'),
      probe_timeout_seconds: seconds(0.1, 60)
        .default(3)
        .describe('How long one HTTP probe may take in all.'),
      unhealthy_seconds: seconds(1, 3600)
        .default(30)
        .describe(
          'A service that Docker calls unhealthy, or that does not run, for this long without a break fails the release before the time is up.',
        ),
    })
    .prefault({})
    .describe('What healthy means.'),
  backup: z
    .strictObject({
      keep: z.number().int().min(1).max(1000).default(5).describe('How many backups are kept.'),
      reserve_mb: z
        .number()
        .int()
        .min(0)
        .default(256)
        .describe('Free space that must remain on the disk after a backup, in MB (10^6 bytes).'),
      freeze: z
        .enum(['pause', 'stop', 'none'])
        .default('pause')
        .describe(
          'How the services that write are kept from it while what changed since a first copy is copied: only then are databases whole in the backup. The label `orchestrator-update.backup.freeze` says it for one service.',
        ),
      freeze_seconds: seconds(0.1, 3600)
        .default(300)
        .describe(
          'How long they may be kept from it. Then they go on, and the backup, and the update with it, is given up.',
        ),
      exclude: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'What of the work tree is not backed up: patterns as rsync has them, with a slash at the front anchored at the work tree (`/autonomy/cache/`).',
        ),
      exclude_volumes: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'Volumes that are not backed up, by Docker’s names; `*` stands for any characters. The label `orchestrator-update.backup: "false"` of a volume says it, too.',
        ),
      images: z
        .enum(['local', 'none'])
        .default('local')
        .describe(
          'Which images are kept in a backup, as files: `local`, those that no registry can give back (built on this host, or without a digest of a registry); `none`.',
        ),
      verify: verifySchema,
      history: historySchema,
    })
    .prefault({})
    .describe('The backup before each update: the work tree and the named volumes.'),
  rollback: z
    .strictObject({
      volumes: z
        .enum(['never', 'if-migrated', 'always'])
        .default('never')
        .describe(
          'Whether the data of the backup comes back, too, when a release is taken back by itself: what was written since is then no longer live (it is kept in volumes beside). `if-migrated`: where the release had another version of a database, or made a service anew that has the label `orchestrator-update.migrates: "true"`.',
        ),
    })
    .prefault({})
    .describe('Going back by itself from a release that is not healthy.'),
  engine: engineSchema,
  images: imagesSchema,
  report: reportSchema,
  metrics: metricsSchema,
  notify: notifySchema,
  timeouts: z
    .strictObject({
      remote_seconds: seconds(1, 170)
        .default(60)
        .describe('Asking the remote for the tip of the branch.'),
      git_seconds: seconds(1, 86_400).default(300).describe('A git command, in all.'),
      compose_seconds: seconds(1, 86_400)
        .default(600)
        .describe('A docker compose command, in all.'),
      docker_seconds: seconds(1, 86_400)
        .default(300)
        .describe('How long a Docker that is away or hangs is waited for before a way back.'),
      build_seconds: seconds(1, 86_400)
        .default(3600)
        .describe('Building the images of a release, in all.'),
      pull_idle_seconds: seconds(1, 86_400)
        .default(300)
        .describe('A pull that brings nothing for this long is given up.'),
      pull_seconds: seconds(1, 86_400).default(7200).describe('Pulling one image, in all.'),
      backup_seconds: seconds(1, 86_400).default(7200).describe('Copying one backup, in all.'),
    })
    .prefault({})
    .describe('When to stop waiting for other programs.'),
});

/** The configuration as written: what the schema reads. */
export type ConfigFile = z.output<typeof configSchema>;

/** The configuration with every path settled. */
export interface Config extends Omit<ConfigFile, 'auto_update'> {
  readonly project_dir: string;
  readonly backups_dir: string;
}

/** The mode that `auto_update` stands for. */
export function modeFor(isAutomatic: boolean): Config['mode'] {
  return isAutomatic ? 'auto' : 'notify';
}

/** Fills in the defaults that depend on other keys. */
export function settleConfig({ auto_update: isAutomatic, ...file }: ConfigFile): Config {
  return {
    ...file,
    mode: isAutomatic === undefined ? file.mode : modeFor(isAutomatic),
    project_dir: file.project_dir ?? `${file.root}/autonomy`,
    backups_dir: file.backups_dir ?? `${file.root}/backups`,
  };
}
