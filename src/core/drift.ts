import { sharesNamespaceWith, type ComposeModel } from './compose-model.ts';
import type { Container } from './observe.ts';
import { own } from './own.ts';

/** What is known of the releases and the host when what runs is compared with its release. */
export interface DriftInput {
  readonly before: ComposeModel;
  readonly after: ComposeModel;
  /** The configuration hash compose gives each service of the release that runs. */
  readonly hashesBefore: Readonly<Record<string, string>>;
  /** Image IDs on this host by reference. */
  readonly imageIds: Readonly<Record<string, string>>;
  /** The compose that is installed; a container tells which one made it. */
  readonly composeVersion: string;
}

/**
 * Services whose containers were made from other settings than their release has on this host.
 * Compose hashes the container's ID into a service that shares another's namespace, so those are
 * not compared.
 */
export function driftedServices(
  model: ComposeModel,
  hashes: Readonly<Record<string, string>>,
  containers: readonly Container[],
): string[] {
  const drifted = containers.filter(({ service, configHash }) => {
    const definition = model.services[service];
    const isComparable = definition && sharesNamespaceWith(definition).length === 0;
    return isComparable && hashes[service] !== undefined && hashes[service] !== configHash;
  });
  return [...new Set(drifted.map(({ service }) => service))];
}

/**
 * How what runs differs from its release: other settings, or another image under the same name.
 * Compose hashes the container's ID into a service that shares another's namespace, so the
 * settings of those cannot be compared.
 */
export function driftOf(
  { before, after, hashesBefore, imageIds, composeVersion }: DriftInput,
  name: string,
  present: readonly Container[],
): string | undefined {
  const [old, hash] = [own(before.services, name), own(hashesBefore, name)];
  if (!old) return undefined;
  const isComparable = hash !== undefined && sharesNamespaceWith(old).length === 0;
  if (isComparable && present.some(({ configHash }) => configHash !== hash)) {
    const maker =
      present.find((one) => one.composeVersion !== composeVersion)?.composeVersion ?? '';
    return maker === ''
      ? 'it runs with other settings than its release has'
      : `docker compose ${maker} made it, and ${composeVersion} reads its settings otherwise`;
  }
  const isSameImage = old.image === own(after.services, name)?.image;
  const imageId = isSameImage ? own(imageIds, old.image ?? '') : undefined;
  return imageId !== undefined && present.some((one) => one.imageId !== imageId)
    ? `${old.image} is another image on this host than the one it runs`
    : undefined;
}
