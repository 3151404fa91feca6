import { z } from 'zod';
import { enginePhases } from './core/engine-transaction.ts';
import type { PackageChange } from './core/engine-upgrade.ts';
import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

const version = z.string().optional();
/** Changes of packages as they are kept in a file. */
export const changesSchema = z
  .array(z.object({ name: z.string(), from: version, to: version }))
  .transform((changes) =>
    changes.map((one): PackageChange => ({ from: undefined, to: undefined, ...one })),
  );

const viewSchema = z.object({
  version: z.string(),
  oldestApi: z.string(),
  storageDriver: z.string(),
  imageStore: z.enum(['docker', 'containerd']),
  liveRestore: z.boolean(),
  isSwarm: z.boolean(),
  containers: z
    .array(
      z.object({
        id: z.string(),
        name: z.string(),
        pid: z.number(),
        startedAt: z.string(),
        health: z.string(),
        isDone: z.boolean(),
      }),
    )
    .readonly(),
  networks: z.array(z.string()).readonly(),
  volumes: z.array(z.string()).readonly(),
});

const transactionSchema = z.object({
  /** The name of the directory with its packages. */
  id: z.string().regex(/^[\w-]+$/),
  what: z.enum(['upgrade', 'rollback']),
  startedAt: z.string(),
  /** From the old to the new, also of a rollback. */
  changes: changesSchema,
  /** What is to be as it was. */
  before: viewSchema,
  /** Live-restore was switched on for it. */
  isLiveRestoreOurs: z.boolean(),
  /** Packages that nobody had held, and that are held for it: released where nothing was changed. */
  holds: z.array(z.string()).default([]),
  phases: z.array(z.enum(enginePhases)),
  /** Containers were stopped by it, or are about to be: also one that ended well is to be started again. */
  hasStopped: z.boolean(),
  /** Of the boot it was begun in: after another one, what runs is what is on the disk. */
  bootId: z.string(),
  /** When the daemons of the new packages were started: what was started since, runs under them. */
  restartedAt: z.string().optional(),
  /** Why it goes back. */
  reason: z.string().optional(),
});

/** An upgrade of the engine, or the way back from one, that is under way. */
export type EngineTransaction = z.output<typeof transactionSchema>;

const recordSchema = z.object({
  id: z.string().regex(/^[\w-]+$/),
  at: z.string(),
  changes: changesSchema,
  /** As it was before. */
  before: viewSchema,
  restartedAt: z.string().optional(),
});

/** The last upgrade that was believed: the way back from it. */
export type EngineRecord = z.output<typeof recordSchema>;

/** Undefined where none is under way. @throws where it is damaged */
export async function readEngineTransaction(
  state: StateHost,
): Promise<EngineTransaction | undefined> {
  const text = await state.read(files.engineTransaction);
  return text === undefined ? undefined : transactionSchema.parse(JSON.parse(text));
}

export async function writeEngineTransaction(
  state: StateHost,
  transaction: EngineTransaction,
): Promise<EngineTransaction> {
  await state.write(files.engineTransaction, `${JSON.stringify(transaction)}\n`);
  return transaction;
}

/** What a file of the state says; what cannot be read is as if there were none. */
export async function readIfWhole<Kept>(
  state: StateHost,
  name: string,
  schema: z.ZodType<Kept>,
): Promise<Kept | undefined> {
  try {
    return schema.parse(JSON.parse((await state.read(name)) ?? ''));
  } catch {
    return undefined;
  }
}

/** What cannot be read is as if there had been none. */
export function readEngineRecord(state: StateHost): Promise<EngineRecord | undefined> {
  return readIfWhole(state, files.engineRecord, recordSchema);
}

/** An upgrade was believed: first the way back from it is remembered, then the transaction is none any more. */
export async function endUpgrade(
  state: StateHost,
  { id, changes, before, restartedAt }: EngineTransaction,
  at: Date,
): Promise<void> {
  const record = { id, at: at.toISOString(), changes, before, restartedAt };
  await state.write(files.engineRecord, `${JSON.stringify(record)}\n`);
  await state.remove(files.engineTransaction);
}

/** The old packages are back. The way back from the upgrade before, if there was one, is still there. */
export async function endWayBack(state: StateHost, { what }: EngineTransaction): Promise<void> {
  if (what === 'rollback') await state.remove(files.engineRecord);
  await state.remove(files.engineTransaction);
}

/** The containers that ran before, and are to run after. */
export function ranIn({ before }: EngineTransaction): string[] {
  return before.containers.filter(({ pid }) => pid !== 0).map(({ id }) => id);
}
