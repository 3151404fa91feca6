import type { Draft } from './core/notification.ts';
import { upgradeText } from './core/engine-mode.ts';
import type { Rung } from './core/engine-rungs.ts';
import { readEngineRecord } from './engine-records.ts';
import { readEngineOutcome } from './engine-request.ts';
import type { EngineOutcome } from './engine-outcome.ts';
import type { StateHost } from './host/host.ts';
import { raiseIfPossible, readNotices, type Notice } from './notices.ts';
import { files } from './state-names.ts';

type EngineNotice = Extract<Notice, { kind: 'engine' }>;

/**
 * What came of a change of the engine, from its records; `later` while it goes on; undefined where nothing is to be
 * told. Cut off after its end, the record of the upgrade tells it.
 */
export async function engineDraft(
  state: StateHost,
  { verb, atMs }: EngineNotice,
): Promise<Draft | 'later' | undefined> {
  if ((await state.read(files.engineTransaction)) !== undefined) return 'later';
  const at = new Date(atMs).toISOString();
  const about = `engine ${verb} ${atMs}`;
  const record = await readEngineRecord(state);
  if (record !== undefined && Date.parse(record.at) >= atMs) {
    return {
      event: 'engine',
      about,
      at: record.at,
      summary: `Docker was upgraded, and works: ${upgradeText(record.changes)}`,
      next: 'orchestrator-update engine rollback    # takes it back',
    };
  }
  const outcome = await readEngineOutcome(state).catch(() => undefined);
  if (outcome === undefined) return 'later';
  return draftOf(verb, outcome, { about, at });
}

function draftOf(
  verb: string,
  { state, summary, changes, problems }: EngineOutcome,
  common: { readonly about: string; readonly at: string },
): Draft | undefined {
  if (summary.includes('nothing is asked for')) return undefined;
  const more = {
    changes: changes.length > 0 ? [upgradeText(changes)] : [],
    output: problems.filter((problem) => !summary.includes(problem)),
  };
  switch (state) {
    case 'done':
      // Nothing newer, or somebody else had mended it.
      if (/^(nothing newer|Docker answers|the engine works)$/.test(summary)) return undefined;
      return verb === 'repair'
        ? { ...common, event: 'recovered', summary, output: problems }
        : { ...common, ...more, event: 'engine', summary };
    case 'taken back':
      return {
        ...common,
        ...more,
        event: 'engine',
        summary,
        next: 'orchestrator-update engine status; the timer does not try it again',
      };
    case 'aborted':
      return {
        ...common,
        ...more,
        event: 'engine',
        summary,
        next: 'journalctl -u orchestrator-engine -n 50; orchestrator-update engine status',
      };
    case 'interrupted':
      return undefined;
    case 'operator':
      return {
        ...common,
        ...more,
        event: 'needs-operator',
        alsoAbout: ['operator engine'],
        summary,
        next: 'orchestrator-update engine status; mend it by hand, then: orchestrator-update acknowledge',
      };
  }
}

/**
 * That a change of the engine is begun: its end is told from its records.
 *
 * @param verb undefined where nobody has asked for one: an incident that was cut off is gone on with
 */
export async function raiseEngineChange(state: StateHost, verb: string | undefined): Promise<void> {
  const isGoneOn = (await state.read(files.engineIncident).catch(() => undefined)) !== undefined;
  const what = verb ?? (isGoneOn ? 'repair' : undefined);
  if (what === undefined) return;
  // Who goes on after a kill must not hide that it had ended before.
  const before = await readNotices(state).catch(() => []);
  if (before.some(({ notice }) => notice.kind === 'engine')) return;
  // What came of an earlier one, also in an earlier boot, is not what comes of this.
  await state.remove(files.engineOutcome).catch(() => {});
  await raiseIfPossible(state, { kind: 'engine', verb: what, atMs: Date.now() });
}

/** That a newer engine can be had, and it is left to a person: once for each version. */
export async function raiseNewerEngine(
  state: StateHost,
  { text, type, now }: { readonly text: string; readonly type: string; readonly now: Date },
): Promise<void> {
  const draft = {
    event: 'available',
    about: `newer ${text}`,
    at: now.toISOString(),
    summary: `${text} can be had`,
    next: type,
  } as const;
  await raiseIfPossible(state, { kind: 'draft', draft });
}

/** That a rung of which a person is told is about to be taken. */
export async function raiseRung(
  state: StateHost,
  { number, what, risk }: Pick<Rung, 'number' | 'what' | 'risk'>,
  complaints: readonly string[],
  at: string,
): Promise<void> {
  const draft = {
    event: 'engine',
    about: `rung ${number} ${at}`,
    at,
    summary: `Docker is broken, and is being mended: rung ${number}: ${what} (risk: ${risk})`,
    output: complaints,
    next: 'orchestrator-update engine status; journalctl -u orchestrator-engine -n 50',
  } as const;
  await raiseIfPossible(state, { kind: 'draft', draft });
}

/** That an engine of which people were told is mended, by hand; what its unit does is told from its records. */
export async function raiseRepaired(
  state: StateHost,
  { summary, complaints }: { readonly summary: string; readonly complaints: readonly string[] },
  at: string,
): Promise<void> {
  const about = `engine repaired ${at}`;
  const draft = { event: 'recovered', about, at, summary, output: complaints } as const;
  await raiseIfPossible(state, { kind: 'draft', draft });
}
