import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { ImageAnswer, ImageQuestion, Look } from '../../src/core/image-look.ts';
import type { EngineApi } from '../../src/host/engine-api.ts';
import { lookAtRegistries, type RegistryContext } from '../../src/host/registry.ts';
import { openStateFiles } from '../../src/host/state-files.ts';
import { freshDirectory, user, type Pushed, type RegistryWorld } from './registry-world.ts';

export const PLATFORM = 'linux/amd64';
export const OTHER = 'linux/arm64';
export const platforms = { [PLATFORM]: 'mine', [OTHER]: 'other' };

/** A host that asks: what it has of images, what it remembers, whom `docker login` left. */
export interface Asker {
  /** What the daemon says of an image, by its reference or ID. */
  readonly images: Map<string, object>;
  nowMs: number;
  readonly slept: number[];
  /** What was told meanwhile. */
  readonly progress: string[];
  /** Time goes by. */
  pass(seconds: number): void;
  look(...questions: Partial<ImageQuestion>[]): Promise<Look>;
  answer(question: Partial<ImageQuestion>): Promise<ImageAnswer>;
}

export function asker(t: Test, timeoutSeconds = 5): Asker {
  const directory = freshDirectory(t);
  const state = openStateFiles(directory);
  const images = new Map<string, object>();
  const api: EngineApi = async (_method, path) => {
    if (path === '/info') return { status: 200, body: {} };
    if (path === '/version') return { status: 200, body: { Os: 'linux', Arch: 'amd64' } };
    const name = decodeURIComponent(/^\/images\/([^/]+)\/json/.exec(path)?.[1] ?? '');
    const body = images.get(name);
    return body === undefined ? { status: 404, body: {} } : { status: 200, body };
  };
  const config = settleConfig(configSchema.parse({ images: { timeout_seconds: timeoutSeconds } }));
  let passed = 0;
  const self: Asker = {
    images,
    nowMs: Date.now(),
    slept: [],
    progress: [],
    pass: (seconds) => void (passed += seconds),
    look: (...questions) => {
      const context: RegistryContext = {
        config,
        api,
        state,
        signal: () => undefined,
        now: () => new Date(self.nowMs),
        elapsedSeconds: () => passed,
        sleep: async (seconds) => {
          self.slept.push(seconds);
          passed += seconds;
        },
        warn: (message) => t.fail(message),
        onProgress: (status) => void self.progress.push(status),
      };
      return lookAtRegistries(context, questions.map(whole));
    },
    answer: async (question) => {
      const { images: looked } = await self.look(question);
      return looked[0]?.answer as ImageAnswer;
    },
  };
  return self;
}

const whole = (question: Partial<ImageQuestion>): ImageQuestion => ({
  reference: '',
  id: undefined,
  tags: { kind: 'same-tag' },
  minimumAgeHours: 0,
  ...question,
});

/** What Docker's own store says of an image it pulled. */
export function pulled(reference: string, { digest, instances }: Pushed): object {
  const name = reference.replace(/:[^:/]+$/, '');
  return {
    Id: instances[PLATFORM]?.config,
    RepoDigests: [`${name}@${digest}`],
    Os: 'linux',
    Architecture: 'amd64',
  };
}

export function login(t: Test, name: string, password: string): void {
  const directory = freshDirectory(t);
  const auth = Buffer.from(`${user.username}:${password}`).toString('base64');
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths: { [name]: { auth } } }));
  process.env['DOCKER_CONFIG'] = directory;
}

/** Pushes an image for each, and has it pulled. Returns the references. */
export async function withImages(
  t: Test,
  world: RegistryWorld,
  host: Asker,
  names: readonly string[],
) {
  const references = names.map((name) => `${world.name}/${name}:1`);
  for (const [index, name] of names.entries()) {
    const reference = references[index] ?? '';
    host.images.set(reference, pulled(reference, await world.push(name, '1', platforms)));
  }
  t.same(world.asked(), [], 'pushed past the counter');
  return references;
}

export const heads = (asked: readonly string[]): string[] =>
  asked.filter((one) => one.startsWith('HEAD'));
