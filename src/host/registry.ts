import type { Config } from '../config/schema.ts';
import type { ImageAnswer, ImageQuestion, Look, Looked } from '../core/image-look.ts';
import { mayBePlain, repositoryOf, type Repository } from '../core/registry.ts';
import {
  keptMemory,
  parseMemory,
  restOf,
  type Finding,
  type Memory,
  type Origin,
  type Rest,
} from '../core/registry-memory.ts';
import { messageOf } from '../errors.ts';
import { files } from '../state-names.ts';
import type { EngineApi } from './engine-api.ts';
import { readFacts } from './engine-facts.ts';
import type { StateHost } from './host.ts';
import { readLocalImage } from './local-image.ts';
import { lookAt, type LookParts } from './look-at-image.ts';
import { findLogin } from './registry-credentials.ts';
import { LookError, resting } from './registry-failure.ts';
import { openWeb } from './registry-http.ts';
import { registryImages } from './registry-images.ts';
import { LOOK_SECONDS, openSession, type Session } from './registry-session.ts';

export interface RegistryContext {
  readonly api: EngineApi;
  readonly state: StateHost;
  readonly config: Config;
  readonly signal: () => AbortSignal | undefined;
  readonly sleep: (seconds: number) => Promise<void>;
  readonly now: () => Date;
  readonly elapsedSeconds: () => number;
  readonly warn: (message: string) => void;
  readonly onProgress: (status: string, fraction?: number) => void;
}

/** Questions that are asked at the same time. */
const AT_ONCE = 8;

/** Asks the registries, over HTTP. */
export async function lookAtRegistries(
  context: RegistryContext,
  questions: readonly ImageQuestion[],
): Promise<Look> {
  if (questions.length === 0) return { images: [], registries: [] };
  const { state, now } = context;
  const before = parseMemory(await state.read(files.registries).catch(() => undefined));
  const engine = await readFacts(context.api);
  const sessions = new Map<string, Session>();
  let done = 0;
  const tell = (): void =>
    context.onProgress('asking the registries for newer images', done / questions.length);
  const time = timeOf(context);
  const repositories = questions.map(({ reference }) => repositoryOf(reference));
  const sessionOf = ({ registry, host }: Repository): Session => {
    const rest = restOf(before, registry, now().getTime());
    if (rest) throw resting(registry, rest);
    let session = sessions.get(host);
    if (session === undefined) {
      const paths = repositories.flatMap((one) => (one.host === host ? [one.path] : []));
      session = openSession({
        ...context,
        registry,
        host,
        paths: [...new Set(paths)].toSorted(),
        mayBePlain: mayBePlain(host, engine.insecureRegistries),
        login: () => findLogin(registry),
        web: openWeb(host, time.timeoutSeconds, context.signal),
        endsSeconds: time.endsSeconds,
        onRequest: tell,
      });
      sessions.set(host, session);
    }
    return session;
  };
  const images = registryImages(sessionOf, now);
  const known = {
    images,
    before: before.images,
    findings: {} as Record<string, Finding>,
    origins: { before: before.origins, fresh: {} as Record<string, Origin> },
  };
  try {
    const looked = await pooled(questions, async (question): Promise<Looked> => {
      const one = await lookOne(context, engine.platform, known, question);
      done += 1;
      tell();
      return one;
    });
    return { images: looked, registries: [...sessions.values()].map((one) => one.use()) };
  } finally {
    const rests = restsOf(sessions, before);
    const fresh = { images: known.findings, origins: known.origins.fresh };
    await remember(context, { ...before, rests }, fresh);
    for (const session of sessions.values()) session.close();
  }
}

/** When a look that begins now ends, and what an answer may take until then. */
function timeOf({ config, elapsedSeconds }: RegistryContext): {
  readonly endsSeconds: number;
  readonly timeoutSeconds: () => number;
} {
  const endsSeconds = elapsedSeconds() + LOOK_SECONDS;
  const timeoutSeconds = (): number => {
    const left = Math.ceil(endsSeconds - elapsedSeconds());
    return Math.max(1, Math.min(config.images.timeout_seconds, left));
  };
  return { endsSeconds, timeoutSeconds };
}

function restsOf(sessions: ReadonlyMap<string, Session>, before: Memory): Record<string, Rest> {
  const fresh = [...sessions.values()].flatMap((session) => {
    const rest = session.rest();
    return rest === undefined ? [] : [[session.use().registry, rest] as const];
  });
  return { ...before.rests, ...Object.fromEntries(fresh) };
}

async function lookOne(
  { api, now }: RegistryContext,
  platform: string,
  known: Omit<LookParts, 'platform' | 'now'>,
  question: ImageQuestion,
): Promise<Looked> {
  const { id, reference } = question;
  const local =
    (id === undefined ? undefined : await readLocalImage(api, id)) ??
    (await readLocalImage(api, reference));
  const here = local === undefined ? [] : local.digests.length > 0 ? local.digests : [local.id];
  try {
    const answer = await lookAt({ ...known, platform, now: now() }, question, local);
    return { question, answer, here };
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    return { question, answer: failed(error), here };
  }
}

function failed({ kind, message, next, notBefore }: LookError): ImageAnswer {
  return { verdict: 'failed', kind, detail: message, next, notBefore };
}

/** What cannot be kept is found out again. */
async function remember(
  { state, now, warn }: RegistryContext,
  memory: Memory,
  fresh: Pick<Memory, 'images' | 'origins'>,
): Promise<void> {
  const text = `${JSON.stringify(keptMemory(memory, fresh, now().getTime()))}\n`;
  try {
    if ((await state.read(files.registries)) !== text) await state.write(files.registries, text);
  } catch (error) {
    warn(`what registries said could not be kept: ${messageOf(error)}`);
  }
}

/** In order, some at the same time. After a failure nothing more is begun. */
async function pooled<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...items.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      try {
        results[index] = await act(item);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}
