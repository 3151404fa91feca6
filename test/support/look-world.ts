import { createdOf, parseManifest, type Platform } from '../../src/core/manifest.ts';
import type { ImageAnswer, ImageQuestion } from '../../src/core/image-look.ts';
import type { Finding } from '../../src/core/registry-memory.ts';
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
  readonly findings: Record<string, Finding>;
  nowMs: number;
  put(tag: string, letter: string, put?: Put): void;
  /** By a host that runs that, the image `0` where it is not said. */
  look(question: Partial<ImageQuestion>, local?: LocalImage): Promise<ImageAnswer>;
}

export function registry(): LookWorld {
  const tags = new Map<string, string>();
  const texts = new Map<string, string>();
  const configs = new Map<string, string>();
  const asked: string[] = [];
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
    created: async (_, one) => createdOf(get(configs, `created ${one}`), world.nowMs),
    tags: async () => [...tags.keys()],
  };
  const world: LookWorld = {
    asked,
    findings: {},
    nowMs: Date.parse('2026-11-26T05:00:00Z'),
    put: (tag, letter, { platforms = [LINUX], created } = {}) => {
      const instance = digest(`${letter}1`).slice(0, 71);
      const config = digest(`${letter}2`).slice(0, 71);
      const manifests = platforms.map((platform) => ({ digest: instance, platform }));
      tags.set(tag, digest(letter));
      texts.set(digest(letter), JSON.stringify({ manifests }));
      texts.set(instance, JSON.stringify({ config: { digest: config } }));
      configs.set(config, JSON.stringify({ created }));
    },
    look: (question, local = pulledImage('0')) =>
      lookAt(
        {
          images,
          before: {},
          findings: world.findings,
          platform: 'linux/amd64',
          now: new Date(world.nowMs),
        },
        {
          reference: `${NAME}:1`,
          id: local.id,
          tags: { kind: 'same-tag' },
          minimumAgeHours: 0,
          ...question,
        },
        local,
      ),
  };
  return world;
}
