import { batchesOf } from './batches.ts';
import type { ComposeModel } from './compose-model.ts';
import type { ContentsChange } from './contents.ts';
import { diffModels, touchedServices, type Change } from './diff.ts';
import { reasonFor } from './reasons.ts';
import { atLeast } from './version.ts';

/** An image that must survive until the release after this one: the tag keeps it from pruning. */
export interface KeptImage {
  readonly service: string;
  /** What the compose file calls it; after a rollback this name means `id` again. */
  readonly reference: string;
  readonly id: string;
  readonly tag: string;
}

/**
 * One thing to do on the host: plain data, printable, safe to repeat. What undoes it stands in
 * `stepsBack`: rollback never depends on how far a step came.
 */
export type Step =
  | { readonly do: 'backup'; readonly name: string }
  | { readonly do: 'keep-images'; readonly images: readonly KeptImage[] }
  | { readonly do: 'pull'; readonly images: readonly string[] }
  | { readonly do: 'build'; readonly services: readonly string[] }
  | { readonly do: 'sweep' }
  | { readonly do: 'restore-images'; readonly images: readonly KeptImage[] }
  | { readonly do: 'down'; readonly release: 'old' | 'new' }
  | { readonly do: 'checkout'; readonly commit: string; readonly force: boolean }
  | { readonly do: 'up'; readonly services: readonly string[]; readonly removeOrphans: boolean }
  | { readonly do: 'recreate'; readonly services: readonly string[] }
  | { readonly do: 'settle'; readonly release: 'old' | 'new' };

export type Verdict = 'nothing' | 'images' | 'full';
export type Strategy = 'reconcile' | 'rebuild';

/** What a run decided: printable, and all that carrying it out needs. */
export interface Plan {
  readonly kind: 'update' | 'rollback';
  readonly from: string;
  readonly to: string;
  readonly verdict: Verdict;
  readonly strategy: Strategy;
  readonly changes: readonly Change[];
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  /**
   * Services of the old release that read files which differ. A crash starts containers again while
   * the new files lie there, so going back makes these anew, whatever became of them. Absent in a
   * journal that an earlier version of this program wrote.
   */
  readonly rereads?: readonly string[];
  /** Steps before the barrier: none of them touches a running container. */
  readonly prepare: readonly Step[];
  /** Steps after the barrier. */
  readonly apply: readonly Step[];
}

/** The facts a plan is made of. */
export interface PlanInput {
  readonly kind: 'update' | 'rollback';
  /** Names the tags of kept images. */
  readonly name: string;
  readonly backup: string;
  readonly from: string;
  readonly to: string;
  readonly before: ComposeModel;
  readonly after: ComposeModel;
  /** Files that differ between the two commits, relative to the work tree. */
  readonly changedPaths: readonly string[];
  /** Services that read files which changed, whether or not their definition did. */
  readonly contents: readonly ContentsChange[];
  /** The same of the old release's services. */
  readonly contentsBefore: readonly ContentsChange[];
  /** Services whose build context holds a changed file, or that have no image yet. */
  readonly servicesToBuild: readonly string[];
  /** Images that running containers use now, by service. */
  readonly runningImages: readonly { service: string; reference: string; id: string }[];
  /** For a rollback by hand: the images kept when the target was left. */
  readonly keptImages?: readonly KeptImage[];
  /** Image references of the new model that this host already has. */
  readonly presentImages: readonly string[];
  readonly strategy: Strategy;
  readonly composeVersion: string;
  /** Apply every service, whether or not its model changed (`run --force`, a rollback). */
  readonly everything: boolean;
  readonly warnings: readonly string[];
}

/** Compose applies a changed network by itself, and reliably, from this version (facts: 2.37). */
const NETWORK_CHANGES_SINCE = '2.37.0';

/** Decides what to do to bring the host from one release to another. */
export function makePlan(input: PlanInput): Plan {
  const changes = changesOf(input);
  const verdict = verdictOf(changes, input);
  const strategy = strategyFor(changes, input);
  const touches = verdict !== 'nothing';
  const reasons = [...changes.map(reasonFor), ...input.servicesToBuild.map(buildReason)];
  if (reasons.length === 0) reasons.push(nothingReason(input));
  if (strategy !== input.strategy) {
    reasons.push(
      `docker compose ${input.composeVersion} cannot change a network in place: down, then up`,
    );
  }
  return {
    kind: input.kind,
    from: input.from,
    to: input.to,
    verdict,
    strategy,
    changes,
    reasons,
    warnings: [...input.warnings, ...warningsFor(changes)],
    rereads: input.contentsBefore.map(({ service }) => service),
    prepare: touches ? prepareSteps(changes, input) : [],
    apply: touches
      ? applySteps(changes, strategy, input)
      : [{ do: 'checkout', commit: input.to, force: false }],
  };
}

/**
 * The steps that bring the host back to the old release, from wherever it is: after a failed
 * step, after a crash and by hand. They need no network. The order is: clear what an interrupted
 * compose left, give image names their old meaning, then tree, then containers.
 */
export function stepsBack(plan: Plan): Step[] {
  const images = keptImages(plan);
  const rereads = plan.rereads ?? recreatedServices(plan.changes);
  const back: Step[] = [
    { do: 'sweep' },
    ...(images.length > 0 ? [{ do: 'restore-images', images } as const] : []),
    ...(plan.strategy === 'rebuild' ? [{ do: 'down', release: 'new' } as const] : []),
    { do: 'checkout', commit: plan.from, force: true },
  ];
  if (plan.verdict === 'nothing') return back;
  return [...back, ...recreateSteps(rereads), { do: 'settle', release: 'old' }];
}

/** The images a plan keeps for its rollback. */
export function keptImages(plan: Plan): readonly KeptImage[] {
  return plan.prepare.flatMap((step) => (step.do === 'keep-images' ? step.images : []));
}

/** What compose sees, and the services it would leave alone although files they read changed. */
function changesOf(input: PlanInput): Change[] {
  const changes = diffModels(input.before, input.after);
  const anew = new Set(touchedServices(changes));
  const contents = input.contents
    .filter(({ service }) => Object.hasOwn(input.before.services, service) && !anew.has(service))
    .map((change) => ({ kind: 'contents' as const, ...change }));
  return [...changes, ...contents];
}

/** Services that are made anew only because files they read changed. */
export function recreatedServices(changes: readonly Change[]): string[] {
  return changes.flatMap((change) => (change.kind === 'contents' ? [change.service] : []));
}

function recreateSteps(services: readonly string[]): Step[] {
  return services.length > 0 ? [{ do: 'recreate', services }] : [];
}

function verdictOf(changes: readonly Change[], input: PlanInput): Verdict {
  if (input.everything) return 'full';
  if (changes.length === 0 && input.servicesToBuild.length === 0) return 'nothing';
  const imagesOnly = changes.every((change) => change.kind === 'image');
  return imagesOnly && input.servicesToBuild.length === 0 ? 'images' : 'full';
}

function strategyFor(changes: readonly Change[], input: PlanInput): Strategy {
  const unable = changesNetwork(changes) && !atLeast(input.composeVersion, NETWORK_CHANGES_SINCE);
  return unable ? 'rebuild' : input.strategy;
}

function changesNetwork(changes: readonly Change[]): boolean {
  return changes.some(
    (change) =>
      change.kind === 'resource' && change.section === 'networks' && change.what === 'changed',
  );
}

/** What compose will not do although the model asks for it. */
function warningsFor(changes: readonly Change[]): string[] {
  return changes.flatMap((change) =>
    change.kind === 'resource' && change.section === 'volumes' && change.what === 'changed'
      ? [`volume ${change.name} changed: docker compose keeps an existing volume as it is`]
      : [],
  );
}

function prepareSteps(changes: readonly Change[], input: PlanInput): Step[] {
  const images = input.runningImages.map((image) => ({
    ...image,
    tag: `orchestrator-update/kept:${input.name}-${image.service}`,
  }));
  const pull = imagesToPull(changes, input);
  return [
    ...(images.length > 0 ? [{ do: 'keep-images', images } as const] : []),
    ...(pull.length > 0 ? [{ do: 'pull', images: pull } as const] : []),
    ...(input.servicesToBuild.length > 0
      ? [{ do: 'build', services: input.servicesToBuild } as const]
      : []),
    // Last, so that it is as fresh as it can be, and none is made for a release that cannot be had.
    { do: 'backup', name: input.backup },
  ];
}

/** Images that are new to this release or not on the host; a service that is built has none. */
function imagesToPull(changes: readonly Change[], input: PlanInput): string[] {
  const touched = new Set(touchedServices(changes));
  const present = new Set(input.presentImages);
  const references = Object.entries(input.after.services).flatMap(([name, service]) => {
    if (service.image === undefined || service.build !== undefined) return [];
    if (service.pull_policy === 'never') return [];
    const moved = touched.has(name) && service.image !== input.before.services[name]?.image;
    const wanted = input.kind === 'update' && moved;
    const isKept = input.keptImages?.some(({ reference }) => reference === service.image) ?? false;
    return wanted || !(present.has(service.image) || isKept) ? [service.image] : [];
  });
  return [...new Set(references)].toSorted();
}

function applySteps(changes: readonly Change[], strategy: Strategy, input: PlanInput): Step[] {
  const checkout = { do: 'checkout', commit: input.to, force: false } as const;
  const restore = input.kind === 'rollback' ? restoreSteps(input) : [];
  const settle = { do: 'settle', release: 'new' } as const;
  if (strategy === 'rebuild') {
    return [{ do: 'sweep' }, ...restore, { do: 'down', release: 'old' }, checkout, settle];
  }
  // A changed network stops everything on it: one call for all, by the last step.
  const touched =
    input.everything || changesNetwork(changes)
      ? []
      : [...new Set([...touchedServices(changes), ...input.servicesToBuild])];
  const ups = batchesOf(touched, input.before, input.after).map((services, index) => ({
    do: 'up' as const,
    services,
    removeOrphans: index === 0,
  }));
  return [
    { do: 'sweep' },
    ...restore,
    checkout,
    ...ups,
    ...recreateSteps(recreatedServices(changes)),
    settle,
  ];
}

/** A rollback by hand gives the image names their old meaning, where the images were kept. */
function restoreSteps(input: PlanInput): Step[] {
  const images = input.keptImages ?? [];
  return images.length > 0 ? [{ do: 'restore-images', images }] : [];
}

function buildReason(service: string): string {
  return `service ${service} is built anew: files of its build context changed`;
}

function nothingReason(input: PlanInput): string {
  if (input.everything) return 'asked to apply everything again';
  const count = input.changedPaths.length;
  return `the compose project is unchanged; ${count} ${count === 1 ? 'file' : 'files'} changed`;
}
