import { z } from 'zod';
import { engineSchema } from './config/engine-schema.ts';
import { readBootId } from './host/boot-id.ts';
import type { StateHost } from './host/host.ts';
import type { EngineOutcome } from './engine-outcome.ts';
import { files } from './state-names.ts';

const requestSchema = z.object({
  verb: z.enum(['upgrade', 'rollback', 'repair', 'check']),
  /** The version of dockerd that is wanted; the newest if left out. */
  to: z.string().optional(),
  /** As configured for whoever has asked. */
  engine: engineSchema,
  /** Of a repair: Docker answers, and has lost what it says it restarts. */
  isStuck: z.boolean().optional(),
  backupsDirectory: z.string(),
  socket: z.string(),
  /** When it was asked, and in which boot: nobody expects it to be done at another time. */
  at: z.string(),
  bootId: z.string(),
  /** It was begun: whoever finds it so, and no transaction, finds one that was cut off before anything. */
  isBegun: z.boolean(),
});

/** What the engine's unit is asked to do. */
export type EngineRequest = z.output<typeof requestSchema>;

/** A run that is under way is waited for before it is begun. */
const VALID_MS = 10 * 60_000;

/** Whether it may be begun still. */
export function isToBeBegun(request: EngineRequest, now: Date, bootId: string): boolean {
  const ageMs = now.getTime() - Date.parse(request.at);
  return !request.isBegun && request.bootId === bootId && ageMs >= -VALID_MS && ageMs < VALID_MS;
}

/** Undefined where nothing is asked for. @throws where it is damaged */
export async function readEngineRequest(state: StateHost): Promise<EngineRequest | undefined> {
  const text = await state.read(files.engineRequest);
  return text === undefined ? undefined : requestSchema.parse(JSON.parse(text));
}

export const writeEngineRequest = (state: StateHost, request: EngineRequest): Promise<void> =>
  state.write(files.engineRequest, `${JSON.stringify(request)}\n`);

/** Asks for something that is to be begun now. */
export async function askForEngine(
  state: StateHost,
  asked: Omit<EngineRequest, 'at' | 'bootId' | 'isBegun'>,
): Promise<void> {
  await state.remove(files.engineOutcome);
  const [at, bootId] = [new Date().toISOString(), await readBootId()];
  await writeEngineRequest(state, { ...asked, at, bootId, isBegun: false });
}

/** What came of the last request; undefined where it has not ended. */
export async function readEngineOutcome(state: StateHost): Promise<EngineOutcome | undefined> {
  const text = await state.read(files.engineOutcome);
  return text === undefined ? undefined : (JSON.parse(text) as EngineOutcome);
}

export const writeEngineOutcome = (state: StateHost, outcome: EngineOutcome): Promise<void> =>
  state.write(files.engineOutcome, `${JSON.stringify(outcome)}\n`);
