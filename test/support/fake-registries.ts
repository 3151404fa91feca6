import type { ImageAnswer, ImageQuestion, Look } from '../../src/core/image-look.ts';
import { parseImageReference } from '../../src/core/image-reference.ts';
import type { World } from './fake-world.ts';

/** What the fake registry has, against what runs; `world.answers` says it otherwise. Only `same-tag`. */
export function fakeLook(world: World, questions: readonly ImageQuestion[]): Look {
  const images = questions.map((question) => {
    const { reference } = question;
    const here = question.id ?? world.images.get(reference);
    return {
      question,
      answer: world.answers.get(reference) ?? answerOf(world, reference, here),
      here: here === undefined ? [] : [`sha256:${here}`],
    };
  });
  return { images, registries: [] };
}

function answerOf(world: World, reference: string, here: string | undefined): ImageAnswer {
  const { name, tag = 'latest' } = parseImageReference(reference);
  const there = world.registry.get(reference);
  if (there === undefined) {
    const what = { kind: 'absent', detail: `${reference} is not there`, next: 'push it' } as const;
    return { verdict: 'failed', ...what, notBefore: undefined };
  }
  const digest = `sha256:${there}`;
  if (there === here) return { verdict: 'same', tag, digest, note: undefined };
  const pinned = `${name}:${tag}@${digest}`;
  return { verdict: 'moved', tag, digest, platformDigest: digest, pinned, created: undefined };
}
