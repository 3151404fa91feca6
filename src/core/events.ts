/** What happens to a host that a person may want explained. */
export interface Event {
  /** MESSAGE_ID of the journal: made once, and never used for anything else. */
  readonly id: string;
  /** Fields that are sent with every one of them, so that the catalog can name them. */
  readonly sends: readonly ('commit' | 'run' | 'approval' | 'backup' | 'rung')[];
}

/** Every event; `systemd/orchestrator-update.catalog` explains each. */
export const journalEvents = {
  updated: { id: '09a4e6c6c0d240dc865aae5f1c3851bd', sends: ['commit', 'run'] },
  'rolled back': { id: 'f71f4f622ab84650bb9459852adfc43d', sends: ['commit', 'run'] },
  recovered: { id: '82c0d387f9af49dabc37e375458e8b58', sends: ['run'] },
  interrupted: { id: 'a9a98844204f4936b6ced380ecb5e95b', sends: [] },
  failed: { id: '93cbbc6d990246768d72beaa192bfff3', sends: [] },
  'needs operator': { id: 'd1216fa37f714075b5222a5f81f9ac38', sends: [] },
  waiting: { id: 'd5f4bd9ea867459f93afbb5ba1b9db4e', sends: ['commit', 'approval'] },
  held: { id: '99a776182d2a48f883cb59d5b72a5202', sends: [] },
  quarantined: { id: '68172ff5b470423a844e71b21af4bfe8', sends: [] },
  'backup failed': { id: '7ea26aaec40841bd8a1bee39e218166a', sends: ['backup'] },
  'bad backup': { id: 'a55fc5058fae48b08e4d9302c472fc14', sends: [] },
  'engine upgraded': { id: '8edc0130ea9342259276ac77f1043aa3', sends: [] },
  'engine taken back': { id: 'ee173aa4cbd1468ebd8b1cf6221d54bf', sends: [] },
  'engine repaired': { id: 'e9200075b03b40a19cf472df8e00bbde', sends: [] },
  'rung taken': { id: '7e4aa3953e4c48eb93b62bcd29aeee93', sends: ['rung'] },
} as const satisfies Readonly<Record<string, Event>>;

export type EventName = keyof typeof journalEvents;

/** The event that the outcome of a run is; undefined where there was nothing to do. */
export function eventOfRun({
  result,
  isSuccess,
  remindOf = '',
}: {
  readonly result: Exclude<EventName, 'recovered' | 'failed' | 'quarantined'> | 'nothing';
  readonly isSuccess: boolean;
  readonly remindOf?: string | undefined;
}): EventName | undefined {
  if (result === 'nothing') return undefined;
  // What was cut off before anything was touched is as it was: no release has failed.
  if (result === 'rolled back' && isSuccess) return 'recovered';
  return result === 'held' && remindOf.startsWith('quarantine ') ? 'quarantined' : result;
}

/** The event that a change of the engine is; undefined where nothing was changed. */
export function eventOfEngine(
  { state, hasChanges, isRepaired }: EngineEnd,
  verb: string | undefined,
): EventName | undefined {
  if (state === 'operator') return 'needs operator';
  if (state === 'taken back') return 'engine taken back';
  if (isRepaired) return 'engine repaired';
  if (state !== 'done' || !hasChanges) return undefined;
  return verb === 'rollback' ? 'engine taken back' : 'engine upgraded';
}

/** How a change of the engine ended. */
interface EngineEnd {
  readonly state: 'done' | 'taken back' | 'aborted' | 'interrupted' | 'operator';
  readonly hasChanges: boolean;
  readonly isRepaired: boolean;
}
