import { z } from 'zod';
import type { ComposeModel } from './core/compose-model.ts';
import { parseModel } from './core/model-json.ts';
import { isFinal, stateOf, type Entry, type Transaction } from './core/journal.ts';
import type { Fingerprint } from './core/observe.ts';
import type { Plan } from './core/plan.ts';
import { secretValues } from './core/secret-values.ts';
import {
  nothingVerified,
  parseVerifications,
  type VerificationRecord,
} from './core/verification.ts';
import type { Hold } from './schedule.ts';
import { OperatorError } from './errors.ts';
import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

/** The release that was last verified on this host. */
const deployedSchema = z.object({
  commit: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
  /** The transaction that brought it, unless it was found running. */
  transaction: z.string().optional(),
  repository: z.string(),
  /** Services that run another tag than the compose file names. */
  pins: z
    .record(z.string(), z.object({ declared: z.string(), reference: z.string() }))
    .readonly()
    .exactOptional(),
});
export type Deployed = z.output<typeof deployedSchema>;

/** A release that failed; it is not tried again until something changes. */
const quarantineSchema = z.array(
  z.object({
    commit: z.string(),
    reason: z.string(),
    at: z.string(),
    transaction: z.string(),
    /** What it does to this host: another commit that does the same is held, too. */
    effect: z.object({ contents: z.string(), images: z.record(z.string(), z.string()) }).optional(),
  }),
);
export type Quarantined = z.output<typeof quarantineSchema>[number];

/** What could not be tried for a reason that may go away. */
const retrySchema = z.object({
  /** Of images: `images` and their digests. */
  commit: z.string(),
  failures: z.number(),
  reason: z.string(),
  notBefore: z.string(),
});
export type Retry = z.output<typeof retrySchema>;

const holdSchema = z.object({
  reason: z.string(),
  at: z.string(),
  until: z.string().optional(),
});

const needsOperatorSchema = z.object({
  reason: z.string(),
  at: z.string(),
  transaction: z.string(),
});
export type NeedsOperator = z.output<typeof needsOperatorSchema>;

/** What is saved before anything is touched: all that going back, or judging, needs. */
export interface Material {
  readonly plan: Plan;
  readonly oldModel: ComposeModel;
  readonly newModel: ComposeModel;
  readonly oldFingerprint: Fingerprint;
  readonly newFingerprint: Fingerprint;
  /** Subjects that were not healthy before the update. */
  readonly baseline: readonly string[];
  /** Services whose containers had ended with 0 before the update. */
  readonly endedBefore: readonly string[];
}

const journalOf = (id: string): string => `${files.transactions}/${id}/journal`;
const materialOf = (id: string): string => `${files.transactions}/${id}/material.json`;

export const readDeployed = (state: StateHost): Promise<Deployed | undefined> =>
  readJson(state, files.deployed, deployedSchema);

export const writeDeployed = (state: StateHost, deployed: Deployed): Promise<void> =>
  state.write(files.deployed, `${JSON.stringify(deployed)}\n`);

export async function readQuarantine(state: StateHost): Promise<Quarantined[]> {
  return (await readJson(state, files.quarantine, quarantineSchema)) ?? [];
}

/** Adds a release to the quarantine; once is enough. */
export async function quarantine(state: StateHost, entry: Quarantined): Promise<void> {
  const others = (await readQuarantine(state)).filter(({ commit }) => commit !== entry.commit);
  await state.write(files.quarantine, `${JSON.stringify([...others, entry])}\n`);
}

/** Takes a release out of quarantine. */
export async function liftQuarantine(state: StateHost, commit: string): Promise<void> {
  const all = await readQuarantine(state);
  const others = all.filter((entry) => entry.commit !== commit);
  if (others.length < all.length)
    await state.write(files.quarantine, `${JSON.stringify(others)}\n`);
}

export const readRetry = (state: StateHost): Promise<Retry | undefined> =>
  readJson(state, files.retry, retrySchema);

export const writeRetry = (state: StateHost, retry: Retry): Promise<void> =>
  state.write(files.retry, `${JSON.stringify(retry)}\n`);

/** Forgets what failed before anything was touched. */
export const forgetRetry = (state: StateHost): Promise<void> => state.remove(files.retry);

export const readHold = (state: StateHost): Promise<Hold | undefined> =>
  readJson(state, files.hold, holdSchema);

export const writeHold = (state: StateHost, hold: Hold): Promise<void> =>
  state.write(files.hold, `${JSON.stringify(hold)}\n`);

export const readNeedsOperator = (state: StateHost): Promise<NeedsOperator | undefined> =>
  readJson(state, files.needsOperator, needsOperatorSchema);

export const writeNeedsOperator = (state: StateHost, why: NeedsOperator): Promise<void> =>
  state.write(files.needsOperator, `${JSON.stringify(why)}\n`);

/** What is known of verifications of backups; a damaged file is as if none had been made. */
export async function readVerifications(
  state: StateHost,
  onDamaged: () => void = () => {},
): Promise<VerificationRecord> {
  const known = parseVerifications(await state.read(files.verification));
  if (known === undefined) onDamaged();
  return known ?? nothingVerified;
}

export const writeVerifications = (state: StateHost, record: VerificationRecord): Promise<void> =>
  state.write(files.verification, `${JSON.stringify(record)}\n`);

/** The transaction a run left unfinished, if there is one. */
export async function readActive(state: StateHost): Promise<Transaction | undefined> {
  const pointer = await state.read(files.active);
  if (pointer === undefined) return undefined;
  const id = pointer.trim();
  const isName = /^[\w-]+$/.test(id);
  const named = isName ? await readTransaction(state, id) : undefined;
  if (named) return named;
  // A damaged pointer must not hide what is unfinished.
  const all = await readTransactions(state);
  return all.find(({ entries }) => entries.length > 0 && !isFinal(stateOf(entries)));
}

export async function readTransaction(
  state: StateHost,
  id: string,
): Promise<Transaction | undefined> {
  return (await readWithMaterial(state, id))?.transaction;
}

/** A transaction, and what was saved before it. */
interface WithMaterial {
  readonly transaction: Transaction;
  readonly material: Material;
}

async function readWithMaterial(state: StateHost, id: string): Promise<WithMaterial | undefined> {
  const entries = (await state.lines(journalOf(id))).map((line) => JSON.parse(line) as Entry);
  const material = await readMaterial(state, id);
  return material && { transaction: { id, plan: material.plan, entries }, material };
}

export async function readMaterial(state: StateHost, id: string): Promise<Material | undefined> {
  const [line] = await state.lines(materialOf(id));
  // An earlier version of this program wrote no checksum.
  const text = line ?? (await state.read(materialOf(id)));
  try {
    const material = text === undefined ? undefined : parseModel(text);
    return isMaterial(material) ? material : undefined;
  } catch {
    // Damaged is as good as gone; who asks decides what that means.
    return undefined;
  }
}

function isMaterial(value: unknown): value is Material {
  const { plan, oldModel, newModel } = (value ?? {}) as Partial<Material>;
  return (
    typeof plan?.from === 'string' &&
    typeof plan.to === 'string' &&
    Array.isArray(plan.prepare) &&
    Array.isArray(plan.apply) &&
    oldModel?.services !== undefined &&
    newModel?.services !== undefined
  );
}

/** Every transaction this host remembers, newest first. */
export async function readTransactions(state: StateHost): Promise<Transaction[]> {
  return (await readAllWithMaterial(state)).map(({ transaction }) => transaction);
}

/** The same with what was saved before each. */
export async function readAllWithMaterial(
  state: StateHost,
  limit?: number,
): Promise<WithMaterial[]> {
  const ids = (await state.list(files.transactions)).toReversed().slice(0, limit);
  const all = await Promise.all(ids.map((id) => readWithMaterial(state, id)));
  return all.filter((one) => one !== undefined);
}

/** The values that nobody should read, of both releases of each. */
export function secretsOfReleases(all: readonly WithMaterial[]): string[] {
  return secretValues(...all.flatMap(({ material }) => [material.oldModel, material.newModel]));
}

/** Makes a transaction: its material first, then the pointer that says it is under way. */
export async function openTransaction(
  state: StateHost,
  id: string,
  material: Material,
): Promise<void> {
  await state.writeLine(materialOf(id), JSON.stringify(material));
  await state.write(files.active, `${id}\n`);
}

/** Writes a journal line. What it announces may be done only after this returns. */
export const appendEntry = (state: StateHost, id: string, entry: Entry): Promise<void> =>
  state.append(journalOf(id), JSON.stringify(entry));

/** Ends a transaction: its last line is final, so the pointer goes. */
export async function closeTransaction(state: StateHost): Promise<void> {
  await state.remove(files.active);
}

/** Forgets all but the newest transactions that are over. */
export async function pruneTransactions(state: StateHost, keep: number): Promise<void> {
  const over = (await readTransactions(state)).filter(({ entries }) => isFinal(stateOf(entries)));
  for (const { id } of over.slice(keep)) await state.removeDirectory(`${files.transactions}/${id}`);
}

async function readJson<Schema extends z.ZodType>(
  state: StateHost,
  name: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  const text = await state.read(name);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new OperatorError(
      `the state file ${name} is damaged`,
      `look at it, move it away and run orchestrator-update recover: /var/lib/orchestrator-update/${name}`,
    );
  }
}
