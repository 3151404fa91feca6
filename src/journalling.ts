import type { Config } from './config/schema.ts';
import type { Entry, State } from './core/journal.ts';
import type { Step } from './core/plan.ts';
import type { DowntimeMeter } from './downtime.ts';
import { messageOf } from './errors.ts';
import type { Host, Staging } from './host/host.ts';
import { appendEntry, type Material } from './records.ts';
import { applyStep, describeStep } from './steps.ts';
import { holdTowersAgain } from './towers.ts';

/** A transaction under way. */
export interface Running {
  readonly id: string;
  readonly material: Material;
  readonly staging?: Staging;
  /** Which life of Docker it was begun in; not known of a run that was cut off. */
  readonly incarnation?: string;
  /** Runs since the barrier; a run that was cut off took it with it. */
  readonly meter?: DowntimeMeter;
}

const startsContainers: ReadonlySet<Step['do']> = new Set(['up', 'recreate', 'restart', 'settle']);
const goesBack: ReadonlySet<State> = new Set(['ROLLING_BACK', 'VERIFYING_ROLLBACK']);

/** Writes the journal line that announces a state, or a step of it. */
export async function enter(
  host: Host,
  id: string,
  state: State,
  more: Omit<Entry, 'at' | 'state'> = {},
): Promise<void> {
  try {
    await appendEntry(host.state, id, { at: host.now().toISOString(), state, ...more });
  } catch (error) {
    if (!goesBack.has(state)) throw error;
    // A full or failing disk must not keep the old release from coming back.
    host.log.warn(`the journal cannot be written: ${messageOf(error)}`);
  }
}

/** Every step: a journal line first, its effect second. */
export async function takeSteps(
  host: Host,
  config: Config,
  running: Running,
  state: State,
  steps: readonly Step[],
): Promise<void> {
  // A Docker that was restarted meanwhile has started it.
  if (state !== 'PREPARING') await holdTowersAgain(host, config, running.material);
  for (const [index, step] of steps.entries()) {
    const text = describeStep(step);
    await enter(host, running.id, state, { step: text });
    host.progress(text);
    const place = `${index + 1} of ${steps.length}`;
    host.log.info(`${text} (${place})`, { run: running.id, phase: state, step: step.do });
    await applyStep(step, {
      host,
      config,
      material: running.material,
      id: running.id,
      staging: running.staging,
    });
    // A step may make a Watchtower anew, or start one.
    if (startsContainers.has(step.do)) await holdTowersAgain(host, config, running.material);
  }
}
