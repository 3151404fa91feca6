import type { ParseArgsOptionsConfig } from 'node:util';
import { engineHelp } from './engine-help.ts';
import type { ExitCode } from './exit-codes.ts';
import type { CommandHelp } from './help.ts';
import { imagesHelp } from './images-help.ts';
import { notifyHelp } from './notify-help.ts';
import type { Settings } from './settings.ts';
import { watchHelp } from './watch-help.ts';

/** What a command gets. */
export interface Invocation {
  readonly settings: Settings;
  readonly environment: NodeJS.ProcessEnv;
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
  readonly json: boolean;
}

/** A command: its help, its own flags, and the module that does it, loaded only when it is called. */
export interface CommandEntry extends CommandHelp {
  readonly options: ParseArgsOptionsConfig;
  /** How many words it takes beside its flags; none unless told. */
  readonly words?: number;
  readonly load: () => Promise<{ run: (invocation: Invocation) => Promise<ExitCode> }>;
}

const flag = { type: 'boolean' } as const;

/** Every command, in the order of `--help`. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: 'bring the cluster to the tip of the deploy branch; back if it is not healthy',
    usage: 'run [--auto | --force | --dry-run] [--json]',
    details: [
      ['--auto', 'started by the timer: no questions, no progress line'],
      ['--force', 'apply the tip again, even if it is deployed, quarantined or not a descendant'],
      ['--dry-run', 'say what would be done and change nothing (the same as `plan`)'],
    ],
    examples: ['orchestrator-update run', 'sudo systemctl start orchestrator-update.service'],
    options: { auto: flag, force: flag, 'dry-run': flag },
    load: () => import('./commands/run.ts'),
  },
  watch: { ...watchHelp, options: {}, load: () => import('./commands/watch.ts') },
  check: {
    summary: 'ask whether an update is waiting (exit code 10), or an operator is needed (13)',
    usage: 'check [--json]',
    details: [],
    examples: ['orchestrator-update check || echo "exit code $?"'],
    options: {},
    load: () => import('./commands/check.ts'),
  },
  plan: {
    summary: 'say what a run would do and why, and change nothing',
    usage: 'plan [--force] [--json]',
    details: [
      ['--force', 'plan to apply everything again'],
      ['exit code', '10 when it waits for approval, 1 when this host is not ready for it'],
    ],
    examples: [
      'orchestrator-update plan',
      "orchestrator-update plan --json | jq '.services[] | {service, action, risk}'",
    ],
    options: { force: flag },
    load: () => import('./commands/plan.ts'),
  },
  approve: {
    summary: 'allow the update that waits, as it was planned, and apply it',
    usage: 'approve [ID] [--now] [--json]',
    details: [
      [
        'ID',
        'of the plan, or the beginning of its commit; unless told, what you were told of last',
      ],
      ['--now', 'also outside of maintenance windows and in a freeze; a hold still keeps it'],
      ['exit code', 'that of `run`; 1 when ID is not what waits now, 10 when it waits again'],
    ],
    examples: [
      'orchestrator-update plan; orchestrator-update approve 3f9c01ab',
      'orchestrator-update approve 3f9c01ab --now',
    ],
    options: { now: flag },
    words: 1,
    load: () => import('./commands/approve.ts'),
  },
  reject: {
    summary: 'quarantine the update that waits; another commit or `run --force` ends it',
    usage: 'reject ID [--reason TEXT] [--json]',
    details: [
      ['ID', 'of the plan, or the beginning of its commit'],
      ['--reason', 'what the others should know; shown by `status` and by every run'],
    ],
    examples: ['orchestrator-update reject 3f9c01ab --reason "not before the fair"'],
    options: { reason: { type: 'string' } },
    words: 1,
    load: () => import('./commands/reject.ts'),
  },
  diff: {
    summary: 'compare two compose projects as docker compose resolves them; needs no daemon',
    usage: 'diff OLD NEW [--file F]… [--new-file F]… [--project-name NAME] [--json]',
    details: [
      ['OLD, NEW', 'directories that hold compose projects, or commits of the repository here'],
      ['--file', 'a compose file, relative to OLD and NEW; may be repeated, like `-f` of compose'],
      ['--new-file', 'the same for NEW alone, where its files have other names'],
      ['--project-name', 'the name of the project on both sides'],
    ],
    examples: [
      'orchestrator-update diff /srv/shop-1.4 /srv/shop-1.5',
      'orchestrator-update diff HEAD~1 HEAD --file deploy/compose.yaml --json',
    ],
    values: { file: 'file', 'new-file': 'file', '': 'directory' },
    options: {
      file: { type: 'string', multiple: true },
      'new-file': { type: 'string', multiple: true },
      'project-name': { type: 'string' },
    },
    words: 2,
    load: () => import('./commands/diff.ts'),
  },
  images: {
    ...imagesHelp,
    options: {},
    load: () => import('./commands/images.ts'),
  },
  status: {
    summary: 'what is deployed, what waits, how the last run ended, what holds updates back',
    usage: 'status [--json]',
    details: [],
    examples: ['orchestrator-update status'],
    options: {},
    load: () => import('./commands/status.ts'),
  },
  rollback: {
    summary: 'go back to an earlier release, verify it, and quarantine the one that is left',
    usage: 'rollback [--to COMMIT|BACKUP] [--json]',
    details: [
      ['--to', 'a commit or the name of a backup; without it, the release before this one'],
    ],
    examples: ['orchestrator-update rollback', 'orchestrator-update rollback --to 4f2a91c'],
    options: { to: { type: 'string' } },
    load: () => import('./commands/rollback.ts'),
  },
  recover: {
    summary: 'finish or take back what an interrupted run left; does nothing if there is nothing',
    usage: 'recover [--json]',
    details: [],
    examples: ['orchestrator-update recover'],
    options: {},
    load: () => import('./commands/recover.ts'),
  },
  acknowledge: {
    summary: 'the cluster is well again: allow updates after an operator was needed',
    usage: 'acknowledge [--json]',
    details: [],
    examples: ['orchestrator-update acknowledge'],
    options: {},
    load: () => import('./commands/acknowledge.ts'),
  },
  hold: {
    summary: 'stop updates on purpose, for a time or until `resume`',
    usage: 'hold [--until TIME] [--reason TEXT] [--json]',
    details: [
      [
        '--until',
        'a span (90m, 12h, 3d), a day or a day and time of this host; else until `resume`',
      ],
      ['--reason', 'what the others should know; shown by `status` and by every run'],
    ],
    examples: ['orchestrator-update hold --until 3d --reason "the fair"'],
    options: { until: { type: 'string' }, reason: { type: 'string' } },
    load: () => import('./commands/hold.ts'),
  },
  resume: {
    summary: 'end a hold',
    usage: 'resume [--json]',
    details: [],
    examples: ['orchestrator-update resume && systemctl start orchestrator-update.service'],
    options: {},
    load: () => import('./commands/resume.ts'),
  },
  backup: {
    summary: 'take, list, show, verify or remove backups',
    usage:
      'backup create|list|history|show [NAME]|verify [NAME] [--sample | --restore]|prune [--json]',
    details: [
      ['create', 'back the cluster up now, as before an update'],
      ['history', 'the snapshots in the restic repository, of all hosts'],
      ['show, verify', 'the newest unless a name is told; verify reads every file again'],
      ['--sample', 'verify the next part of the newest good one, as the timer does'],
      ['--restore', 'verify by bringing it up as a cluster of its own, beside the real one'],
      ['prune', 'remove what is older than the newest `backup.keep`'],
    ],
    examples: ['orchestrator-update backup create', 'orchestrator-update backup verify --restore'],
    verbs: ['create', 'list', 'history', 'show', 'verify', 'prune'],
    options: { restore: flag, sample: flag },
    words: 2,
    load: () => import('./commands/backup.ts'),
  },
  restore: {
    summary:
      'bring back the release of a backup, with its data or not; or lay its files into a directory',
    usage: 'restore [BACKUP] [--volumes] | restore [BACKUP | --snapshot ID] --to DIR [--json]',
    details: [
      ['BACKUP', 'its name; the newest unless told'],
      ['--volumes', 'also its data; what is there now is kept beside it until you remove it'],
      ['--snapshot', 'one of the history (`backup history`) instead'],
      ['--to', 'a directory that is empty or not there; the cluster is not touched'],
    ],
    examples: [
      'orchestrator-update restore --to /var/tmp/restored',
      'orchestrator-update backup list && orchestrator-update restore NAME --volumes',
    ],
    values: { to: 'directory' },
    options: { volumes: flag, to: { type: 'string' }, snapshot: { type: 'string' } },
    words: 1,
    load: () => import('./commands/restore.ts'),
  },
  engine: {
    ...engineHelp,
    options: { 'dry-run': flag, 'max-rung': { type: 'string' }, to: { type: 'string' } },
    words: 1,
    load: () => import('./commands/engine.ts'),
  },
  notify: {
    ...notifyHelp,
    options: {},
    words: 2,
    load: () => import('./commands/notify.ts'),
  },
  history: {
    summary: 'the updates and rollbacks of this host, newest first',
    usage: 'history [--limit N] [--json]',
    details: [['--limit', 'how many (20 unless told)']],
    examples: ['orchestrator-update history --limit 5'],
    options: { limit: { type: 'string' } },
    load: () => import('./commands/history.ts'),
  },
  report: {
    summary: 'the last runs: times, downtime, plan, backups, quarantine; as text, data or a page',
    usage: 'report [--html FILE] [--limit N] [--json]',
    details: [
      ['--html', 'write one page that needs nothing beside itself, for a browser'],
      ['--limit', 'how many runs (20 unless told)'],
    ],
    examples: ['sudo orchestrator-update report --html /var/www/html/update.html'],
    values: { html: 'file' },
    options: { html: { type: 'string' }, limit: { type: 'string' } },
    load: () => import('./commands/report.ts'),
  },
  config: {
    summary: 'check the configuration, show what is in force, or explain every key',
    usage: 'config check|show|docs [--json]',
    details: [],
    examples: ['orchestrator-update config check', 'orchestrator-update config docs | less'],
    verbs: ['check', 'show', 'docs'],
    options: {},
    words: 1,
    load: () => import('./commands/config.ts'),
  },
  doctor: {
    summary: 'check everything the updater needs, and say how to mend what is missing',
    usage: 'doctor [--json]',
    details: [],
    examples: ['sudo orchestrator-update doctor'],
    options: {},
    load: () => import('./commands/doctor.ts'),
  },
  completion: {
    summary:
      'print what has a shell complete commands and flags; the installer puts it in its place',
    usage: 'completion bash|zsh|fish',
    details: [],
    examples: ['. <(orchestrator-update completion bash)'],
    verbs: ['bash', 'zsh', 'fish'],
    options: {},
    words: 1,
    load: () => import('./commands/completion.ts'),
  },
  man: {
    summary: 'print this as a manual page; installed, it is `man orchestrator-update`',
    usage: 'man',
    details: [],
    examples: ['orchestrator-update man | man -l -'],
    options: {},
    load: () => import('./commands/man.ts'),
  },
};

/** Flags of every command; what `--help` says of them is in help.ts. */
export const globalOptions: ParseArgsOptionsConfig = {
  config: { type: 'string' },
  set: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};
