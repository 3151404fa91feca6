/** Names of the files in the state directory. */
export const files = {
  deployed: 'deployed.json',
  quarantine: 'quarantine.json',
  /** Images that failed, by digest. */
  imageQuarantine: 'image-quarantine.json',
  /** When registries were asked last, and what they said. */
  imageCheck: 'image-check.json',
  /** Images that others took the place of: some are kept. */
  replacedImages: 'replaced-images.json',
  /** What compose is given in the place of the work tree's files, where services run other tags than these name. */
  pinnedModel: 'pinned-model.json',
  approval: 'approval.json',
  awaiting: 'awaiting.json',
  retry: 'retry.json',
  hold: 'hold.json',
  reminded: 'reminded.json',
  needsOperator: 'needs-operator.json',
  /** Holds the name of the transaction under way; the boot unit's condition. */
  active: 'active',
  /** Who is paused or stopped for a backup. */
  frozen: 'frozen.json',
  /** Which Watchtowers are paused while a transaction acts. */
  towers: 'towers.json',
  /** What is remembered of the history of backups. */
  history: 'history.json',
  /** What came of the verifications of backups. */
  verification: 'verification.json',
  /** When a person was told last that a backup is damaged. */
  remindedOfBackup: 'reminded-of-backup.json',
  /** What was tried to mend the engine, while it is broken. */
  engineIncident: 'engine-incident.json',
  /** What the engine's unit is asked to do. */
  engineRequest: 'engine-request.json',
  /** What came of it. */
  engineOutcome: 'engine-outcome.json',
  /** The upgrade or the way back of the engine that is under way. */
  engineTransaction: 'engine-transaction.json',
  /** How the last one ended; the way back from it. */
  engineRecord: 'engine.json',
  /** When it was looked at last whether a newer engine can be had. */
  engineCheck: 'engine-check.json',
  /** The upgrade that was taken back: the timer does not try it again. */
  engineFailed: 'engine-failed.json',
  /** Directories with the packages and the configuration of each. */
  engine: 'engine',
  /** The services for which Docker was restarted, since it said for ever that it restarts them. */
  restartedFor: 'restarted-for.json',
  /** Docker answers, and has lost what it says it restarts. */
  engineStuck: 'engine-stuck.json',
  /** What was counted of the runs. */
  counts: 'counts.json',
  /** What was published last, and of what. */
  published: 'published.json',
  /** What happened and is not on its way to anybody yet, a file each. */
  untold: 'untold',
  /** When something was told last, a file each. */
  told: 'told',
  /** What is on its way, a file for each notification and target. */
  outbox: 'outbox',
  /** Whoever delivers has it. */
  outboxLock: 'outbox.lock',
  /** How often in a row runs have failed, while they do. */
  failures: 'failures.json',
  /** The alarm of a backup of which a person was told. */
  backupTrouble: 'backup-trouble.json',
  /** What registries said of images, and when a registry may be asked again. */
  registries: 'registries.json',
  /** The update manager that is at work has it. */
  watchLock: 'watch.lock',
  /** The configuration that the runs of the update manager go by. */
  watchConfig: 'watch/update_config.yaml',
  /** The address in WEBHOOK_URL, for those runs. */
  watchWebhook: 'watch/webhook-url',
  transactions: 'transactions',
  lock: 'lock',
} as const;
