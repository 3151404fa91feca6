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
 * Services whose containers were made from other settings than their release has on this host, in
 * name order.
 */
export function driftedServices(
  model: ComposeModel,
  hashes: Readonly<Record<string, string>>,
  containers: readonly Container[],
): string[] {
  return Object.keys(model.services)
    .filter((name) => {
      const present = containers.filter(({ service }) => service === name);
      return hasOtherSettings(model, hashes, name, present);
    })
    .toSorted();
}

/**
 * Compose hashes the container's ID into a service that shares another's namespace, so the settings
 * of those cannot be compared.
 */
function hasOtherSettings(
  model: ComposeModel,
  hashes: Readonly<Record<string, string>>,
  name: string,
  present: readonly Container[],
): boolean {
  const [definition, hash] = [own(model.services, name), own(hashes, name)];
  if (!definition || hash === undefined || sharesNamespaceWith(definition).length > 0) return false;
  return present.some(({ configHash }) => configHash !== hash);
}

/** How what runs differs from its release: other settings, or another image under the same name. */
export function driftOf(
  { before, after, hashesBefore, imageIds, composeVersion }: DriftInput,
  name: string,
  present: readonly Container[],
): string | undefined {
  const old = own(before.services, name);
  if (!old) return undefined;
  if (hasOtherSettings(before, hashesBefore, name, present)) {
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
