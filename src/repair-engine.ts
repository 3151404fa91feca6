import { z } from 'zod';
import { complaintsOf, isWell, type EngineDiagnosis } from './core/engine-diagnosis.ts';
import { LAST_RUNG, rungsFor, TOLD_FROM_RUNG, UNATTENDED_RUNG } from './core/engine-ladder.ts';
import type { Rung, RungName } from './core/engine-rungs.ts';
import { raiseRung } from './engine-notice.ts';
import { messageOf } from './errors.ts';
import type { RepairHost } from './host/repair-host.ts';
import { files } from './state-names.ts';

/** What is remembered while an engine is broken: also over a restart of this host. */
const incidentSchema = z.object({
  startedAt: z.string(),
  complaints: z.array(z.string()),
  /** Each is written here before it is taken. */
  tried: z.array(z.string()),
  /** Containers that ran when the engine was last known to answer. */
  running: z.array(z.string()),
  /** How far up it may be gone: by whoever goes on after this host was rebooted, too. */
  maxRung: z.number().default(UNATTENDED_RUNG),
});
export type Incident = z.output<typeof incidentSchema>;

/** What came of a repair. */
export interface RepairOutcome {
  /** `half`: the engine works, and something that ran before does not; or it was stopped. */
  readonly state: 'well' | 'repaired' | 'half' | 'rebooting' | 'would repair' | 'operator';
  readonly summary: string;
  readonly complaints: readonly string[];
  /** Those that were taken; of a dry run, those that can help. */
  readonly rungs: readonly Rung[];
  /** Where what was seen is kept for a person. */
  readonly evidence?: string;
}

const LOOKS = 2;
const BETWEEN_LOOKS_SECONDS = 5;
const MAX_DOUBTS = 5;

export interface RepairWish {
  readonly isDry: boolean;
  /** No higher rung is taken. */
  readonly maxRung: number;
}

/**
 * Mends an engine: takes the lowest rung that can help, looks again, and takes the next only where it is still
 * broken. Each is taken once in an incident, which ends when the engine is well, or a person has acknowledged it.
 */
export async function repairEngine(host: RepairHost, wish: RepairWish): Promise<RepairOutcome> {
  const taken: Rung[] = [];
  let first: readonly string[] = [];
  let doubts = 0;
  for (;;) {
    const diagnosis = await host.diagnose();
    const complaints = complaintsOf(diagnosis);
    if (first.length === 0) first = complaints;
    const before = await readIncident(host);
    const left = leftAlone(diagnosis);
    if (isWell(diagnosis)) {
      return wish.isDry
        ? wellBut(left)
        : await over(host, before, { taken, complaints: first, left });
    }
    const tried = triedIn(before, taken);
    const rungs = rungsFor(diagnosis, tried, wish.maxRung);
    if (wish.isDry) return wouldRepair(complaints, rungs);
    if (host.isStopping()) return stopped(complaints, taken);
    const [rung] = rungs;
    // What is broken in another way each time it is looked at is for a person, too.
    if (rung === undefined || doubts === MAX_DOUBTS) {
      return await giveUp(host, complaints, {
        taken,
        more: moreFor(diagnosis, tried, wish) + left,
      });
    }
    if (rung.isDisruptive && !(await isConfirmed(host, rung, { ...wish, tried }))) {
      doubts += 1;
      continue;
    }
    const incident = await continued(host, before, complaints, { rung, maxRung: wish.maxRung });
    await remember(host, incident, rung);
    await tell(host, rung, complaints);
    taken.push(rung);
    const isDone = await tryRung(host, rung);
    if (isDone && rung.name === 'reboot') return rebooting(complaints, taken);
    // Its volumes may be half full now; a person was asked for before the first was made.
    if (!isDone && rung.name === 'restore') {
      return await giveUp(host, complaints, { taken, more: '' });
    }
    await host.settle();
  }
}

/** Before what runs is ended, it is looked at again: a host that is busy may only be slow. */
async function isConfirmed(
  host: RepairHost,
  rung: Rung,
  { maxRung, tried }: { maxRung: number; tried: readonly RungName[] },
): Promise<boolean> {
  for (let look = 1; look <= LOOKS; look++) {
    await host.pause(BETWEEN_LOOKS_SECONDS);
    const diagnosis = await host.diagnose();
    if (isWell(diagnosis)) return false;
    if (rungsFor(diagnosis, tried, maxRung)[0]?.name !== rung.name) return false;
  }
  return true;
}

/** What a person has to know of a cluster that nothing is done to; empty where it is looked after. */
function leftAlone({ clusterHindrance }: EngineDiagnosis): string {
  return clusterHindrance === undefined
    ? ''
    : `; the cluster was not looked at: ${clusterHindrance}`;
}

function wellBut(left: string): RepairOutcome {
  return { state: 'well', summary: `the engine works${left}`, complaints: [], rungs: [] };
}

async function over(
  host: RepairHost,
  incident: Incident | undefined,
  {
    taken,
    complaints,
    left,
  }: { taken: readonly Rung[]; complaints: readonly string[]; left: string },
): Promise<RepairOutcome> {
  if (incident === undefined && taken.length === 0) return wellBut(left);
  // The engine is well; what it has ended on the way is not.
  const failed = await host.startEnded(incident?.running ?? []);
  await host.state.remove(files.engineIncident);
  const names = taken.map(({ number, what }) => `${what} (rung ${number})`).join('; ');
  const summary = `the engine works again${names === '' ? '' : ` after: ${names}`}${left}`;
  if (failed.length === 0) return { state: 'repaired', summary, complaints, rungs: taken };
  const more = `${summary}; these ran before and do not start: ${failed.join('; ')}`;
  return { state: 'half', summary: more, complaints, rungs: taken };
}

function stopped(complaints: readonly string[], taken: readonly Rung[]): RepairOutcome {
  const summary = 'stopped, and the engine is still broken; the next `engine repair` goes on';
  return { state: 'half', summary, complaints, rungs: taken };
}

function wouldRepair(complaints: readonly string[], rungs: readonly Rung[]): RepairOutcome {
  const summary =
    rungs.length === 0
      ? 'the engine is broken, and no rung can help'
      : 'the engine is broken; the first of these would be taken, then it would be looked at again';
  return { state: 'would repair', summary, complaints, rungs };
}

/** What fails is said, and shows when it is looked again. */
async function tryRung({ take, log }: RepairHost, { name, number }: Rung): Promise<boolean> {
  try {
    await take(name);
    return true;
  } catch (error) {
    log.warn(`rung ${number}: ${messageOf(error)}`);
    return false;
  }
}

/** The unit of the engine goes on, at boot. */
function rebooting(complaints: readonly string[], taken: readonly Rung[]): RepairOutcome {
  const summary =
    'this host is rebooted; then it is looked again: journalctl -u orchestrator-engine';
  return { state: 'rebooting', summary, complaints, rungs: taken };
}

/** What of the rungs that need a person could help; empty where none could. */
function moreFor(
  diagnosis: EngineDiagnosis,
  tried: readonly RungName[],
  { maxRung }: RepairWish,
): string {
  const [next] = rungsFor(diagnosis, tried, LAST_RUNG).filter(({ number }) => number > maxRung);
  if (next === undefined) return '';
  const { number, what, risk } = next;
  return `; rung ${number} may help (${what}; risk: ${risk}): orchestrator-update acknowledge, then orchestrator-update engine repair --max-rung ${number}`;
}

async function giveUp(
  host: RepairHost,
  complaints: readonly string[],
  { taken, more }: { taken: readonly Rung[]; more: string },
): Promise<RepairOutcome> {
  const summary = `the engine is broken, and nothing that may be done helps: ${complaints.join('; ')}${more}`;
  const outcome = { state: 'operator', summary, complaints, rungs: taken } as const;
  await host.latch(summary);
  try {
    return { ...outcome, evidence: await host.collectEvidence() };
  } catch (error) {
    host.log.warn(`what was seen could not be kept: ${messageOf(error)}`);
    return outcome;
  }
}

async function continued(
  host: RepairHost,
  before: Incident | undefined,
  complaints: readonly string[],
  { rung, maxRung }: { rung: Rung; maxRung: number },
): Promise<Incident> {
  const running = await host.runningContainers();
  return {
    startedAt: before?.startedAt ?? host.now().toISOString(),
    complaints: before?.complaints ?? [...complaints],
    tried: [...(before?.tried ?? []), rung.name],
    running: [...new Set([...(before?.running ?? []), ...running])],
    maxRung,
  };
}

async function tell(host: RepairHost, rung: Rung, complaints: readonly string[]): Promise<void> {
  const { log, state, now } = host;
  const text = `engine: ${complaints.join('; ')} → rung ${rung.number}: ${rung.what} (risk: ${rung.risk}; ${rung.isReversible ? 'can' : 'cannot'} be taken back)`;
  const fields = { event: 'rung taken', rung: rung.number } as const;
  if (!isTold(rung)) return log.info(text, fields);
  log.warn(text, fields);
  await raiseRung(state, rung, complaints, now().toISOString());
}

/** Whether people are told that a rung is taken. */
export const isTold = ({ number, isReversible }: Rung): boolean =>
  number >= TOLD_FROM_RUNG || !isReversible;

/** How far up an incident may be gone on with that was cut off, also by a reboot; undefined where there is none. */
export async function rungOfIncident(host: Pick<RepairHost, 'state'>): Promise<number | undefined> {
  const incident = await readIncident(host);
  return incident === undefined || incident.tried.length === 0 ? undefined : incident.maxRung;
}

/** What cannot be read is as if nothing had been tried. */
export async function readIncident({
  state,
}: Pick<RepairHost, 'state'>): Promise<Incident | undefined> {
  const text = await state.read(files.engineIncident);
  if (text === undefined) return undefined;
  try {
    return incidentSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Before it is taken. What makes room on a full disk may be taken without, and once more after a crash. */
async function remember({ state }: RepairHost, incident: Incident, { name }: Rung): Promise<void> {
  try {
    await state.write(files.engineIncident, `${JSON.stringify(incident)}\n`);
  } catch (error) {
    if (name !== 'make-room') throw error;
  }
}

function triedIn(incident: Incident | undefined, taken: readonly Rung[]): RungName[] {
  return [...((incident?.tried ?? []) as RungName[]), ...taken.map(({ name }) => name)];
}
