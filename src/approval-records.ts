import { z } from 'zod';
import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

const termsSchema = z.object({
  from: z.string(),
  commit: z.string(),
  verdict: z.enum(['nothing', 'images', 'full']),
  strategy: z.enum(['reconcile', 'rebuild']),
  services: z
    .array(
      z.object({
        service: z.string(),
        action: z.enum([
          'create',
          'recreate',
          'restart',
          'signal',
          'remove',
          'rename',
          'untouched',
        ]),
        from: z.string().exactOptional(),
        drift: z.string().exactOptional(),
        reasons: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  risks: z
    .array(z.object({ subject: z.string(), risk: z.enum(['look', 'dangerous']), why: z.string() }))
    .readonly(),
  bringsDataBack: z.boolean(),
  contents: z.string(),
  digests: z.record(z.string(), z.string()),
  moved: z
    .array(z.object({ reference: z.string(), digest: z.string() }))
    .readonly()
    .exactOptional(),
});

/** The plan that waits for a person, and since when. */
const awaitingSchema = termsSchema.extend({
  /** What a person types: the first digits of the hash. */
  id: z.string().regex(/^[0-9a-f]{8,}$/),
  hash: z.string(),
  because: z.array(z.string()).readonly(),
  /** ISO 8601, UTC. */
  at: z.string(),
  /** A person asked for it with `run --force`. */
  force: z.boolean(),
});
export type Awaiting = z.output<typeof awaitingSchema>;

/** A person's word that one plan, and no other, may be carried out. */
const approvalSchema = awaitingSchema.extend({ by: z.string() });
export type Approval = z.output<typeof approvalSchema>;

/** What was approved; undefined where nothing was, or only by an earlier version, which told no plan from another. */
export const readApproval = (state: StateHost): Promise<Approval | undefined> =>
  readRecord(state, files.approval, approvalSchema);

export const writeApproval = (state: StateHost, approval: Approval): Promise<void> =>
  state.write(files.approval, `${JSON.stringify(approval)}\n`);

/** The plan that a person was told of last, that it waits. */
export const readAwaiting = (state: StateHost): Promise<Awaiting | undefined> =>
  readRecord(state, files.awaiting, awaitingSchema);

export const writeAwaiting = (state: StateHost, awaiting: Awaiting): Promise<void> =>
  state.write(files.awaiting, `${JSON.stringify(awaiting)}\n`);

/** Nothing waits any more, and nothing is approved: what was is used up. */
export async function forgetApproval(state: StateHost): Promise<void> {
  for (const name of [files.approval, files.awaiting]) {
    if ((await state.read(name)) !== undefined) await state.remove(name);
  }
}

/** A record that cannot be understood approves nothing: it is asked for again. */
async function readRecord<Schema extends z.ZodType>(
  state: StateHost,
  name: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    return schema.parse(JSON.parse((await state.read(name)) ?? 'null'));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
