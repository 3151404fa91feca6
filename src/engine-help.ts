import type { CommandHelp } from './help.ts';

/** What `--help` says of `engine`. */
export const engineHelp: CommandHelp = {
  summary:
    'what Docker is made of on this host, whether it works; upgrading, taking back, mending it',
  usage:
    'engine status | upgrade [--to VERSION] | rollback | repair [--max-rung N] [--dry-run] [--json]',
  details: [
    [
      'status',
      'packages, versions, settings, clients; whether it answers, makes containers, serves ports',
    ],
    [
      'repair',
      'take the least that can help, look again, go on; nothing of Docker is ever deleted',
    ],
    [
      'upgrade',
      'as a transaction: the way back on the disk first, then watched, and taken back if it does not work',
    ],
    ['rollback', 'back to the packages before the last upgrade; needs no network'],
    ['resume', 'what orchestrator-engine.service runs: sees to what was cut off'],
    [
      'watch',
      'what orchestrator-engine-watch.service runs: mends a Docker that hangs in its start',
    ],
    ['--to', 'the version of dockerd that is wanted (28.5.2); the newest unless told'],
    ['--dry-run', 'say what would be done, and do nothing; exit code 10 if anything'],
    [
      '--max-rung',
      'go no higher than this (13 unless told); docs/recovery.md lists the rungs, up to 19',
    ],
    [
      'exit code',
      '1 when Docker does not work, or nothing was done; 12 taken back; 13 when a person is needed',
    ],
  ],
  examples: [
    'orchestrator-update engine status',
    'sudo orchestrator-update engine upgrade --dry-run',
    'sudo orchestrator-update engine repair --dry-run',
  ],
  // Not resume and watch: units run them, and who types them has no use for them.
  verbs: ['status', 'upgrade', 'rollback', 'repair'],
  values: { 'max-rung': Array.from({ length: 19 }, (_, index) => String(index + 1)) },
};
