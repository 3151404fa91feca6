import { z } from 'zod';
import { engineSchema } from './config/engine-schema.ts';
import type { StateHost } from './host/host.ts';
import type { EngineOutcome } from './take-engine-back.ts';
import { files } from './state-names.ts';

const requestSchema = z.object({
  verb: z.enum(['upgrade', 'rollback', 'repair']),
  /** The version of dockerd that is wanted; the newest if left out. */
  to: z.string().optional(),
  /** As configured for whoever has asked. */
  engine: engineSchema,
  backupsDirectory: z.string(),
  socket: z.string(),
  /** It was begun: whoever finds it so, and no transaction, finds one that was cut off before anything. */
  isBegun: z.boolean(),
});

/** What the engine's unit is asked to do. */
export type EngineRequest = z.output<typeof requestSchema>;

/** Undefined where nothing is asked for. @throws where it is damaged */
export async function readEngineRequest(state: StateHost): Promise<EngineRequest | undefined> {
  const text = await state.read(files.engineRequest);
  return text === undefined ? undefined : requestSchema.parse(JSON.parse(text));
}

export const writeEngineRequest = (state: StateHost, request: EngineRequest): Promise<void> =>
  state.write(files.engineRequest, `${JSON.stringify(request)}\n`);

/** What came of the last request; undefined where it has not ended. */
export async function readEngineOutcome(state: StateHost): Promise<EngineOutcome | undefined> {
  const text = await state.read(files.engineOutcome);
  return text === undefined ? undefined : (JSON.parse(text) as EngineOutcome);
}

export const writeEngineOutcome = (state: StateHost, outcome: EngineOutcome): Promise<void> =>
  state.write(files.engineOutcome, `${JSON.stringify(outcome)}\n`);
