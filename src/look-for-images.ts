import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import type { ImageQuestion, Looked, RegistryUse } from './core/image-look.ts';
import { imagePolicies, type ImagePolicy } from './core/image-policy.ts';
import { parseImageReference } from './core/image-reference.ts';
import type { ImageDigest } from './core/moved-image.ts';
import type { Container } from './core/observe.ts';
import type { Host } from './host/host.ts';
import { readImageQuarantine } from './image-records.ts';

/** A service, what is done about newer images of it, and what its registry has. */
export interface ServiceImage {
  readonly service: string;
  readonly policy: ImagePolicy;
  /** Undefined where it is not followed. */
  readonly looked: Looked | undefined;
}

/** One look for all services of a release. */
export interface ImagesLook {
  /** By name. */
  readonly services: readonly ServiceImage[];
  readonly registries: readonly RegistryUse[];
}

/**
 * Asks the registries what there is for the services of a release whose tag may move. Services with the same image
 * and the same policy are one question. What no registry answered is an answer (`failed`), no error.
 */
export async function lookForImages(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<ImagesLook> {
  const containers = await host.engine.containers();
  const refused = await refusedImages(host);
  const policies = Object.entries(imagePolicies(model, config.images))
    .map(([service, policy]) => ({
      service,
      policy,
      question: withRefused(questionOf(service, policy, containers), refused),
    }))
    .toSorted((left, right) => (left.service < right.service ? -1 : 1));
  const questions = new Map(
    policies.flatMap(({ question }) =>
      question === undefined ? [] : [[JSON.stringify(question), question] as const],
    ),
  );
  const { images, registries } = await host.registries.look([...questions.values()]);
  const answers = new Map([...questions.keys()].map((key, index) => [key, images[index]]));
  return {
    services: policies.map(({ service, policy, question }) => ({
      service,
      policy,
      looked: question && answers.get(JSON.stringify(question)),
    })),
    registries,
  };
}

/** What failed here is passed over where there is another one; a suspect is still to be tried. */
async function refusedImages(host: Host): Promise<readonly ImageDigest[]> {
  const all = await readImageQuarantine(host.state);
  return all
    .filter(({ isSuspect }) => isSuspect !== true)
    .map(({ reference, digest }) => ({ reference, digest }));
}

function withRefused(
  question: ImageQuestion | undefined,
  all: readonly ImageDigest[],
): ImageQuestion | undefined {
  if (question === undefined) return undefined;
  const { name } = parseImageReference(question.reference);
  const refused = all.filter(({ reference }) => parseImageReference(reference).name === name);
  return refused.length === 0 ? question : { ...question, refused };
}

function questionOf(
  service: string,
  policy: ImagePolicy,
  containers: readonly Container[],
): ImageQuestion | undefined {
  if (policy.follow === 'not') return undefined;
  const { reference, tags, minimumAgeHours } = policy;
  const [first] = containers
    .filter((container) => container.service === service)
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return { reference, id: first?.imageId, tags, minimumAgeHours };
}
