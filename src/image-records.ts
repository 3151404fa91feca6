import { z } from 'zod';
import type { ImageDigest } from './core/moved-image.ts';
import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

const quarantinedSchema = z.object({
  reference: z.string(),
  digest: z.string(),
  reason: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
  transaction: z.string(),
});
/** An image that failed, or that a person left: it is not tried again until its name means another. */
export type QuarantinedImage = z.output<typeof quarantinedSchema>;

const checkSchema = z.object({ at: z.string(), failed: z.array(z.string()) });
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

export const readImageQuarantine = (state: StateHost): Promise<QuarantinedImage[]> =>
  readList(state, files.imageQuarantine, quarantinedSchema);

/** Adds images to the quarantine; of a name only what it means now has to be known. */
export async function quarantineImages(
  state: StateHost,
  images: readonly ImageDigest[],
  why: Pick<QuarantinedImage, 'reason' | 'at' | 'transaction'>,
): Promise<void> {
  const names = new Set(images.map(({ reference }) => reference));
  const others = (await readImageQuarantine(state)).filter(
    ({ reference }) => !names.has(reference),
  );
  const added = images.map(({ reference, digest }) => ({ reference, digest, ...why }));
  await state.write(files.imageQuarantine, `${JSON.stringify([...others, ...added])}\n`);
}

/** Takes images out of quarantine. */
export async function liftImageQuarantine(
  state: StateHost,
  isLifted: (image: QuarantinedImage) => boolean,
): Promise<void> {
  const all = await readImageQuarantine(state);
  const others = all.filter((one) => !isLifted(one));
  if (others.length < all.length)
    await state.write(files.imageQuarantine, `${JSON.stringify(others)}\n`);
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
