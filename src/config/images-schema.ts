import { z } from 'zod';
import { parseTagPolicy, TAG_POLICIES } from '../core/tag-policy.ts';

/** `images`: who brings newer images of services whose tag may move. */
export const imagesSchema = z
  .strictObject({
    mode: z
      .enum(['watchtower', 'builtin', 'off'])
      .default('watchtower')
      .describe(
        'Who brings a newer image that a registry has under the tag a service names. `watchtower`: Watchtower, or another program, and this one keeps out of its way. `builtin`: this one asks the registries, and what moved is a release like any other: plan, backup, health gate, rollback, quarantine. `off`: nobody.',
      ),
    check_minutes: z
      .number()
      .int()
      .min(0)
      .max(44_640)
      .default(60)
      .describe(
        'With `builtin`: how long the timer lets pass between two looks at the registries. 0: every run looks.',
      ),
    services: z
      .enum(['all', 'labelled'])
      .default('all')
      .describe(
        'Which services are followed: `all` but those with the label `orchestrator-update.images.enable: "false"`, or those alone that say `"true"`. What is built here, or named by its digest, never is.',
      ),
    minimum_age_hours: z
      .number()
      .min(0)
      .max(8760)
      .default(0)
      .describe(
        'An image younger than this waits. One that does not say when it was made waits this long from when this host saw it first. The label `orchestrator-update.images.minimum-age` (`36h`, `3d`) says it for one service.',
      ),
    tags: z
      .string()
      .refine((text) => parseTagPolicy(text) !== undefined, TAG_POLICIES)
      .default('same-tag')
      .describe(
        'To which tags a service may move: `same-tag`; `semver:patch`, `semver:minor`, `semver:major` from a tag that is a version; `regex:^1\\.2\\.\\d+$`, the highest version that matches as a whole. Never to a lower one. The label `orchestrator-update.images.tags` says it for one service.',
      ),
    keep_previous: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe(
        'How many of the images that newer ones took the place of are kept of each name; those before go once the newest has proven healthy.',
      ),
    timeout_seconds: z
      .number()
      .min(1)
      .max(170)
      .default(20)
      .describe('How long one answer of a registry may take in all.'),
  })
  .prefault({})
  .describe('Newer images under the tags that services name.');
