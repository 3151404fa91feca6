import { batchesOf } from './batches.ts';
import { contentsIn, recreatedServices, refreshSteps } from './contents.ts';
import { touchedServices, type Change } from './diff.ts';
import type { PlanInput } from './plan-input.ts';
import type { Step, Strategy } from './plan.ts';
import { own } from './own.ts';
import { networkKeys } from './networks.ts';
import type { ServicePlan } from './service-plan.ts';

/** The networks that are taken away and made anew. */
export function changedNetworks(changes: readonly Change[]): string[] {
  return changes.flatMap((change) =>
    change.kind === 'resource' && change.section === 'networks' && change.what === 'changed'
      ? [change.name]
      : [],
  );
}

/** The tag that keeps the image of a service, under the name of a transaction or a backup. */
export const keptTag = (name: string, service: string): string => `${KEPT}:${name}-${service}`;

/** The repository of such tags. */
export const KEPT = 'orchestrator-update/kept';

/** The steps before the barrier: none of them touches a running container. */
export function prepareSteps(changes: readonly Change[], input: PlanInput): Step[] {
  const images = input.runningImages.map((image) => ({
    ...image,
    tag: keptTag(input.name, image.service),
  }));
  const pull = imagesToPull(changes, input);
  return [
    ...(images.length > 0 ? [{ do: 'keep-images', images } as const] : []),
    ...pullSteps(pull, input),
    ...(input.servicesToBuild.length > 0
      ? [{ do: 'build', services: input.servicesToBuild } as const]
      : []),
    ...(input.restores === undefined ? [] : [{ do: 'fill', backup: input.restores } as const]),
    // Last, so that it is as fresh as it can be, and none is made for a release that cannot be had.
    { do: 'backup', name: input.backup },
  ];
}

/** What moved is pulled by its digest. */
function pullSteps(images: readonly string[], { moved = [], digests: wanted }: PlanInput): Step[] {
  const brought = Object.fromEntries(moved.map(({ reference, digest }) => [reference, digest]));
  const digests = { ...wanted, ...brought };
  const all = [...new Set([...images, ...Object.keys(digests)])].toSorted();
  if (all.length === 0) return [];
  return [{ do: 'pull', images: all, ...(Object.keys(digests).length > 0 ? { digests } : {}) }];
}

/**
 * Images that are new to this release or not on the host; a service that is built has none. One that
 * a service goes on running as it is stays what it is: its tag may have moved at the registry, and
 * compose would then make that service anew, too.
 */
function imagesToPull(changes: readonly Change[], input: PlanInput): string[] {
  const touched = new Set(touchedServices(changes));
  const inUse = new Set(
    Object.entries(input.after.services).flatMap(([name, { image }]) =>
      touched.has(name) || image === undefined ? [] : [image],
    ),
  );
  const references = Object.entries(input.after.services).flatMap(([name, service]) => {
    if (service.image === undefined || service.build !== undefined) return [];
    if (service.pull_policy === 'never') return [];
    const moved = touched.has(name) && service.image !== input.before.services[name]?.image;
    const wanted = input.kind === 'update' && moved && !inUse.has(service.image);
    const isKept = input.keptImages?.some(({ reference }) => reference === service.image) ?? false;
    const isHere = isKept || Object.hasOwn(input.imageIds, service.image);
    return wanted || !isHere ? [service.image] : [];
  });
  return [...new Set(references)].toSorted();
}

/** The steps after the barrier. */
export function applySteps(
  changes: readonly Change[],
  services: readonly ServicePlan[],
  strategy: Strategy,
  input: PlanInput,
): Step[] {
  const checkout = checkoutSteps(input);
  const restore = input.kind === 'rollback' ? restoreSteps(input) : [];
  const settle = { do: 'settle', release: 'new' } as const;
  const swap: Step[] =
    input.restores === undefined ? [] : [{ do: 'stop' }, { do: 'swap', data: 'of the backup' }];
  if (strategy === 'rebuild') {
    return [
      { do: 'sweep' },
      ...restore,
      { do: 'down', release: 'old' },
      ...swap,
      ...checkout,
      settle,
    ];
  }
  const ups = batchesOf(servicesToUp(changes, services, input), input.before, input.after).map(
    (batch, index) => ({ do: 'up' as const, services: batch, removeOrphans: index === 0 }),
  );
  const restarted = servicesToRestart(changes, services, input);
  const forced = services.flatMap(({ service, isForced }) => (isForced ? [service] : []));
  const readers = [
    ...contentsIn(changes).filter(
      ({ service, on }) => on?.do !== 'restart' && !forced.includes(service),
    ),
    ...forced.map((service) => ({ service, paths: [] })),
  ];
  return [
    { do: 'sweep' },
    ...restore,
    ...swap,
    ...checkout,
    ...ups,
    ...refreshSteps(readers),
    settle,
    // Last: what they depend on, or share a namespace with, may be made anew by the step before.
    ...(restarted.length > 0 ? [{ do: 'restart', services: restarted } as const] : []),
  ];
}

/** The tree, and the images chosen for what it names. */
export function checkoutSteps({ to, pins }: Pick<PlanInput, 'to' | 'pins'>): Step[] {
  const checkout = { do: 'checkout', commit: to, force: false } as const;
  return pins === undefined ? [checkout] : [checkout, { do: 'pin', release: 'new' }];
}

/** The services that get a call of their own; the last step sees to all the others. */
function servicesToUp(
  changes: readonly Change[],
  services: readonly ServicePlan[],
  input: PlanInput,
): string[] {
  // A changed network stops everything on it: one call for all, by the last step.
  if (input.everything || changedNetworks(changes).length > 0) return [];
  const readers = new Set(recreatedServices(changes));
  return services.flatMap(({ service, action, isForced = false }) => {
    const isMade = action === 'create' || action === 'recreate' || action === 'rename';
    return isMade && !isForced && !readers.has(service) ? [service] : [];
  });
}

/** What is on a changed network is stopped and started by compose itself, in the last step. */
function servicesToRestart(
  changes: readonly Change[],
  services: readonly ServicePlan[],
  { after }: PlanInput,
): string[] {
  const anew = new Set(changedNetworks(changes));
  return services.flatMap(({ service, action }) => {
    const networks = networkKeys(own(after.services, service) ?? {});
    return action === 'restart' && !networks.some((network) => anew.has(network)) ? [service] : [];
  });
}

/** A rollback by hand gives the image names their old meaning, where the images were kept. */
function restoreSteps(input: PlanInput): Step[] {
  const images = input.keptImages ?? [];
  return images.length > 0 ? [{ do: 'restore-images', images }] : [];
}
