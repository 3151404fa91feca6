import { z } from 'zod';
import type { ImageDigest } from './core/moved-image.ts';
import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

const quarantinedSchema = z.object({
  reference: z.string(),
  digest: z.string(),
  reason: z.string(),
  /** ISO 8601. */
  at: z.string(),
  transaction: z.string(),
  /** It failed together with others: which of them is to blame is found out one by one. */
  isSuspect: z.boolean().exactOptional(),
  /** Another one under its name was brought since. It is not tried again all the same. */
  isPast: z.boolean().exactOptional(),
});
/** An image that failed, or that a person left: it is not tried again under this name. */
export type QuarantinedImage = z.output<typeof quarantinedSchema>;

const checkSchema = z.object({
  at: z.string(),
  failed: z.array(z.string()),
  failures: z.number().exactOptional(),
  /** Since when no look has learned all. */
  failingSince: z.string().exactOptional(),
});
/** The last time registries were asked: when, and what could not be learned, one sentence each. */
export type ImageCheck = z.output<typeof checkSchema>;

const replacedSchema = z.object({
  reference: z.string(),
  /** As this host knows it. */
  id: z.string(),
  at: z.string(),
});
/** An image that another one took the place of. */
export type ReplacedImage = z.output<typeof replacedSchema>;

/** Of a name that goes back and forth, so many are remembered. */
const KEPT_OF_A_NAME = 20;

export const readImageQuarantine = (state: StateHost): Promise<QuarantinedImage[]> =>
  readList(state, files.imageQuarantine, quarantinedSchema);

const isSame = (one: ImageDigest, other: ImageDigest): boolean =>
  one.reference === other.reference && one.digest === other.digest;

/** Adds images to the quarantine, newest first. */
export async function quarantineImages(
  state: StateHost,
  images: readonly ImageDigest[],
  why: Pick<QuarantinedImage, 'reason' | 'at' | 'transaction' | 'isSuspect'>,
): Promise<void> {
  const before = await readImageQuarantine(state);
  const others = before.filter((one) => !images.some((image) => isSame(image, one)));
  const added = images.map(({ reference, digest }) => ({ reference, digest, ...why }));
  await writeQuarantine(state, [...added, ...others]);
}

/** An image that was brought, and proved healthy, is no suspect any more; what failed before it is past. */
export async function settleImageQuarantine(
  state: StateHost,
  brought: readonly ImageDigest[],
): Promise<void> {
  const all = await readImageQuarantine(state);
  if (all.length === 0) return;
  const names = new Set(brought.map(({ reference }) => reference));
  const left = all.filter((one) => !brought.some((image) => isSame(image, one)));
  await writeQuarantine(
    state,
    left.map((one) =>
      names.has(one.reference) && one.isSuspect !== true ? { ...one, isPast: true } : one,
    ),
  );
}

/** Everything may be tried again. */
export async function liftImageQuarantine(state: StateHost): Promise<void> {
  if ((await readImageQuarantine(state)).length > 0) await writeQuarantine(state, []);
}

async function writeQuarantine(state: StateHost, all: readonly QuarantinedImage[]): Promise<void> {
  const counts = new Map<string, number>();
  const kept = all.filter(({ reference }) => {
    const count = (counts.get(reference) ?? 0) + 1;
    counts.set(reference, count);
    return count <= KEPT_OF_A_NAME;
  });
  await state.write(files.imageQuarantine, `${JSON.stringify(kept)}\n`);
}

/** Undefined where registries were never asked. */
export async function readImageCheck(state: StateHost): Promise<ImageCheck | undefined> {
  const parsed = checkSchema.safeParse(parse(await state.read(files.imageCheck)));
  return parsed.success ? parsed.data : undefined;
}

export const writeImageCheck = (state: StateHost, check: ImageCheck): Promise<void> =>
  state.write(files.imageCheck, `${JSON.stringify(check)}\n`);

export const readReplacedImages = (state: StateHost): Promise<ReplacedImage[]> =>
  readList(state, files.replacedImages, replacedSchema);

export const writeReplacedImages = (
  state: StateHost,
  images: readonly ReplacedImage[],
): Promise<void> => state.write(files.replacedImages, `${JSON.stringify(images)}\n`);

/** What cannot be read is as if nothing had been written: an image is tried, or kept, once more. */
async function readList<Schema extends z.ZodType>(
  state: StateHost,
  name: string,
  schema: Schema,
): Promise<z.output<Schema>[]> {
  const parsed = z.array(schema).safeParse(parse(await state.read(name)));
  return parsed.success ? parsed.data : [];
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null') as unknown;
  } catch {
    return undefined;
  }
}
