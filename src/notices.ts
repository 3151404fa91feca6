import { z } from 'zod';
import { events, fileNameFor, type Draft } from './core/notification.ts';
import { messageOf } from './errors.ts';
import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

/**
 * Something a person may want to be told of. A transaction and a change of the engine are named before they begin, and
 * told from their own records when they are over: no crash can lose them, or tell of what did not happen.
 */
export type Notice =
  | { readonly kind: 'draft'; readonly draft: Draft }
  | {
      readonly kind: 'transaction';
      readonly id: string;
      /** When it was about to be begun, since 1970. */
      readonly atMs: number;
      readonly isBegunTold?: boolean;
    }
  | {
      readonly kind: 'engine';
      readonly verb: string;
      /** When it was begun, since 1970. */
      readonly atMs: number;
    };

const lines = z.array(z.string()).optional();
const draftSchema = z.object({
  event: z.enum([...events, 'test']),
  about: z.string().min(1),
  alsoAbout: lines,
  at: z.string(),
  summary: z.string(),
  changes: lines,
  outages: lines,
  output: lines,
  next: z.string().optional(),
  facts: z.record(z.string(), z.string()).optional(),
});
/** What a Date can hold. */
const moment = z.number().min(0).max(8.64e15);
/** Only what they are is looked at: what another version of this program has written beside that is left as it is. */
const noticeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('draft'), draft: draftSchema }),
  z.object({
    kind: z.literal('transaction'),
    // It is a part of the names of files.
    id: z.string().regex(/^[\w-][\w.-]*$/),
    atMs: moment,
    isBegunTold: z.boolean().optional(),
  }),
  z.object({ kind: z.literal('engine'), verb: z.string(), atMs: moment }),
]);

/** Writes down what is to be told; it is on the disk before this returns. Telling it again is telling it once. */
export async function raise(state: StateHost, notice: Notice): Promise<void> {
  await state.write(`${files.untold}/${nameOf(notice)}`, `${JSON.stringify(notice)}\n`);
}

/** The same where nothing may depend on it: what cannot be written is not told. */
export async function raiseIfPossible(state: StateHost, notice: Notice): Promise<void> {
  await raise(state, notice).catch(() => {});
}

function nameOf(notice: Notice): string {
  switch (notice.kind) {
    case 'draft':
      return `draft-${fileNameFor(notice.draft.about)}.json`;
    case 'transaction':
      return `transaction-${notice.id}.json`;
    case 'engine':
      return 'engine.json';
  }
}

/** What was written down, by the names of its files. What is no notice is left out, and removed. */
export async function readNotices(
  state: StateHost,
  warn: (text: string) => void = () => {},
): Promise<readonly { readonly name: string; readonly notice: Notice }[]> {
  const names = (await state.list(files.untold)).filter((name) => name.endsWith('.json'));
  const found = await Promise.all(
    names.map(async (name) => {
      const text = await state.read(`${files.untold}/${name}`);
      // Somebody else has told it meanwhile.
      if (text === undefined) return [];
      try {
        const notice: unknown = JSON.parse(text);
        noticeSchema.parse(notice);
        return [{ name, notice: notice as Notice }];
      } catch (error) {
        await removeUnusable(state, name, error, warn);
        return [];
      }
    }),
  );
  return found.flat();
}

/** One that nothing can be made of must not keep the others from being told. */
export async function removeUnusable(
  state: StateHost,
  name: string,
  error: unknown,
  warn: (text: string) => void,
): Promise<void> {
  const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
  warn(`notify: ${files.untold}/${name} cannot be used, and is removed: ${why.split('\n')[0]}`);
  await state.remove(`${files.untold}/${name}`);
}

/** When something was told last, since 1970; undefined where it never was. */
export async function toldAt(state: StateHost, about: string): Promise<number | undefined> {
  const text = await state.read(`${files.told}/${fileNameFor(about)}`);
  const atMs = Number(text ?? Number.NaN);
  return Number.isFinite(atMs) && text?.trim() !== '' ? atMs : undefined;
}

export async function rememberTold(state: StateHost, about: string, atMs: number): Promise<void> {
  await state.write(`${files.told}/${fileNameFor(about)}`, `${atMs}\n`);
}

const MOST_REMEMBERED = 500;

/** Of very many only the newest are remembered. */
export async function forgetOldest(state: StateHost): Promise<void> {
  const names = await state.list(files.told);
  if (names.length <= MOST_REMEMBERED) return;
  const all = await Promise.all(
    names.map(async (name) => ({
      name,
      atMs: Number((await state.read(`${files.told}/${name}`)) ?? 0),
    })),
  );
  const oldest = all.toSorted((left, right) => left.atMs - right.atMs);
  for (const { name } of oldest.slice(0, names.length - MOST_REMEMBERED / 2)) {
    await state.remove(`${files.told}/${name}`);
  }
}
