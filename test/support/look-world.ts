import { createdOf, parseManifest, type Platform } from '../../src/core/manifest.ts';
import type { ImageAnswer, ImageQuestion } from '../../src/core/image-look.ts';
import {
  keptMemory,
  parseMemory,
  type Finding,
  type Origin,
} from '../../src/core/registry-memory.ts';
import type { LocalImage } from '../../src/host/local-image.ts';
import { lookAt } from '../../src/host/look-at-image.ts';
import { LookError } from '../../src/host/registry-failure.ts';
import type { RegistryImages } from '../../src/host/registry-images.ts';

export const LINUX: Platform = { os: 'linux', architecture: 'amd64', variant: '' };
const NAME = 'reg.lab/team/app';

/** `sha256:aaa…` */
export const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** An image that was pulled into Docker's own store. */
export const pulledImage = (letter: string): LocalImage => ({
  id: digest('0'),
  digests: [digest(letter)],
  pulledFrom: [NAME],
  platform: LINUX,
  instances: [],
});

interface Put {
  /** That its index has an image for; this one where it is not said. */
  readonly platforms?: readonly Platform[];
  /** When it was made. */
  readonly created?: string;
}

/** A registry of one repository, in memory, and looks at it. */
export interface LookWorld {
  /** What was asked: `digest 1.2`. */
  readonly asked: string[];
  pass(milliseconds: number): void;
  /** It has an image no more. */
  forget(letter: string): void;
  put(tag: string, letter: string, put?: Put): void;
  /** By a host that runs that, the image `0` where it is not said. */
  look(question: Partial<ImageQuestion>, local?: LocalImage): Promise<ImageAnswer>;
}

export function registry(): LookWorld {
  const tags = new Map<string, string>();
  const texts = new Map<string, string>();
  const configs = new Map<string, string>();
  const asked: string[] = [];
  let nowMs = Date.parse('2026-11-26T05:00:00Z');
  const get = (from: ReadonlyMap<string, string>, what: string): string => {
    asked.push(what);
    const found = from.get(what.split(' ')[1] ?? '');
    if (found === undefined) throw new LookError('absent', `has no ${what}`, '');
    return found;
  };
  const images: RegistryImages = {
    digest: async (_, tag) => get(tags, `digest ${tag}`),
    manifest: async (_, one) => {
      const manifest = parseManifest(get(texts, `manifest ${one}`));
      if (manifest === undefined) throw new LookError('bad answer', 'no image', '');
      return manifest;
    },
    created: async (_, one) => createdOf(get(configs, `created ${one}`), nowMs),
    tags: async () => [...tags.keys()],
    knows: async (_, one) => {
      asked.push(`knows ${one}`);
      return texts.has(one);
    },
  };
  let memory = parseMemory(undefined);
  return {
    asked,
    pass: (milliseconds) => void (nowMs += milliseconds),
    forget: (letter) => void texts.delete(digest(letter)),
    put: (tag, letter, { platforms = [LINUX], created } = {}) => {
      const instance = digest(`${letter}1`).slice(0, 71);
      const config = digest(`${letter}2`).slice(0, 71);
      const manifests = platforms.map((platform) => ({ digest: instance, platform }));
      tags.set(tag, digest(letter));
      texts.set(digest(letter), JSON.stringify({ manifests }));
      texts.set(instance, JSON.stringify({ config: { digest: config } }));
      configs.set(config, JSON.stringify({ created }));
    },
    look: async (question, local = pulledImage('0')) => {
      const findings: Record<string, Finding> = {};
      const origins: Record<string, Origin> = {};
      const parts = {
        images,
        before: memory.images,
        findings,
        origins: { before: memory.origins, fresh: origins },
        platform: 'linux/amd64',
        now: new Date(nowMs),
      };
      const whole: ImageQuestion = {
        reference: `${NAME}:1`,
        id: local.id,
        tags: { kind: 'same-tag' },
        minimumAgeHours: 0,
        ...question,
      };
      try {
        return await lookAt(parts, whole, local);
      } finally {
        memory = keptMemory(memory, { images: findings, origins }, nowMs);
      }
    },
  };
}
