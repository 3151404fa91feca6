import { contentsIn, refreshSteps, withAction } from './contents.ts';
import { diffModels, touchedServices, type Change } from './diff.ts';
import type { Effect } from './effect.ts';
import { bringsDataBack } from './data-back.ts';
import { volumeName } from './mounts.ts';
import type { ImageDigest, MovedImage } from './moved-image.ts';
import { applySteps, changedNetworks, checkoutSteps, prepareSteps } from './plan-steps.ts';
import type { Pins } from './pins.ts';
import type { PlanRisk } from './policy.ts';
import { reasonFor } from './reasons.ts';
import { riskOf, volumeRisks, type Risk } from './risk.ts';
import type { PlanInput } from './plan-input.ts';
import { planServices, type ServicePlan } from './service-plan.ts';
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
  | {
      readonly do: 'pull';
      readonly images: readonly string[];
      /** By reference: what is pulled under the name, whatever the registry has under it then. */
      readonly digests?: Readonly<Record<string, string>>;
    }
  | { readonly do: 'build'; readonly services: readonly string[] }
  | { readonly do: 'sweep' }
  | { readonly do: 'restore-images'; readonly images: readonly KeptImage[] }
  | { readonly do: 'down'; readonly release: 'old' | 'new' }
  | { readonly do: 'fill'; readonly backup: string }
  | { readonly do: 'stop' }
  | { readonly do: 'swap'; readonly data: 'of the backup' | 'as before' }
  | { readonly do: 'checkout'; readonly commit: string; readonly force: boolean }
  | { readonly do: 'pin'; readonly release: 'old' | 'new' }
  | { readonly do: 'up'; readonly services: readonly string[]; readonly removeOrphans: boolean }
  | { readonly do: 'recreate'; readonly services: readonly string[] }
  | { readonly do: 'restart'; readonly services: readonly string[] }
  | { readonly do: 'signal'; readonly service: string; readonly signal: string }
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
  /** What happens to each service, in name order. */
  readonly services: readonly ServicePlan[];
  readonly risk: Risk;
  readonly risks: readonly PlanRisk[];
  /**
   * What either release does to this host, as a digest: two commits with the same one do the same.
   * Absent in a journal that an earlier version of this program wrote.
   */
  readonly effects?: { readonly from: Effect; readonly to: Effect };
  /** By reference: the digest of each image that the release names, where asked for; empty where not known. */
  readonly digests?: Readonly<Record<string, string>>;
  /** Images that moved at their registries, where that is what is brought; the commit is the same. */
  readonly moved?: readonly MovedImage[];
  /** Services that run another tag than the compose file names, in either release; absent where none does. */
  readonly pins?: { readonly from: Pins; readonly to: Pins };
  /** Those of them that a person goes back from: they are quarantined. */
  readonly left?: readonly ImageDigest[];
  /** The backup whose data is brought with the release. */
  readonly restores?: string;
  /** The backup whose data comes back with the old release, when this one is taken back by itself. */
  readonly dataBack?: string;
  /** Services that run with other settings than their release has, and are left so. */
  readonly leave?: readonly string[];
  /**
   * Has services of the old release read their files again, for the way back, and restarts those that
   * are restarted on the way there: a crash starts containers while the new files lie there, so this
   * is done whatever became of them. Absent in a
   * journal that an earlier version of this program wrote.
   */
  readonly refreshBack?: readonly Step[];
  /** Steps before the barrier: none of them touches a running container. */
  readonly prepare: readonly Step[];
  /** Steps after the barrier. */
  readonly apply: readonly Step[];
}

/** Compose applies a changed network by itself, and reliably, from this version (facts: 2.37). */
const NETWORK_CHANGES_SINCE = '2.37.0';

/** Decides what to do to bring the host from one release to another. */
export function makePlan(input: PlanInput): Plan {
  const changes = changesOf(input);
  const verdict = verdictOf(changes, input);
  const strategy = strategyFor(changes, input);
  const services = planServices({
    ...input,
    changes,
    isRebuilt: strategy === 'rebuild',
    networksAnew: changedNetworks(changes),
    isIdle: verdict === 'nothing',
  });
  const risks = risksIn(services, input);
  const touches = verdict !== 'nothing';
  const apply: Step[] = touches
    ? applySteps(changes, services, strategy, input)
    : checkoutSteps(input);
  return {
    kind: input.kind,
    from: input.from,
    to: input.to,
    verdict,
    strategy,
    changes,
    reasons: reasonsIn(changes, strategy, input),
    warnings: [
      ...input.warnings,
      ...warningsFor(changes, input),
      ...services.flatMap(({ service, drift }) =>
        drift === undefined ? [] : [`service ${service}: ${drift}`],
      ),
    ],
    services,
    risk: riskOf(risks),
    risks,
    ...(input.moved === undefined ? {} : { moved: input.moved }),
    ...(input.left === undefined ? {} : { left: input.left }),
    ...(input.pins === undefined ? {} : { pins: input.pins }),
    ...(input.restores === undefined ? {} : { restores: input.restores }),
    ...(touches && bringsDataBack(input, services) ? { dataBack: input.backup } : {}),
    leave: services.flatMap(({ service, action, drift }) =>
      action === 'untouched' && drift !== undefined ? [service] : [],
    ),
    refreshBack: stepsToRefreshBack(apply, input),
    prepare: touches ? prepareSteps(changes, input) : [],
    apply,
  };
}

/**
 * The steps that bring the host back to the old release, from wherever it is: after a failed
 * step, after a crash and by hand. They need no network. The order is: clear what an interrupted
 * compose left, give image names their old meaning, then tree, then containers.
 */
export function stepsBack(plan: Plan): Step[] {
  const images = keptImages(plan);
  const refresh = plan.refreshBack ?? refreshSteps(contentsIn(plan.changes));
  const { restores, dataBack } = plan;
  const movesData = restores !== undefined || dataBack !== undefined;
  const back: Step[] = [
    { do: 'sweep' },
    ...(images.length > 0 ? [{ do: 'restore-images', images } as const] : []),
    ...(dataBack === undefined ? [] : [{ do: 'fill', backup: dataBack } as const]),
    ...(plan.strategy === 'rebuild' ? [{ do: 'down', release: 'new' } as const] : []),
    // Also what compose has taken down may have come back with Docker.
    ...(movesData ? [{ do: 'stop' } as const] : []),
    ...(restores === undefined ? [] : [{ do: 'swap', data: 'as before' } as const]),
    ...(dataBack === undefined ? [] : [{ do: 'swap', data: 'of the backup' } as const]),
    { do: 'checkout', commit: plan.from, force: true },
    ...(plan.pins === undefined ? [] : [{ do: 'pin', release: 'old' } as const]),
  ];
  if (plan.verdict === 'nothing') return back;
  return [
    ...back,
    ...refresh.filter((step) => step.do !== 'restart'),
    { do: 'settle', release: 'old' },
    // As on the way there, after what they depend on or share a namespace with.
    ...refresh.filter((step) => step.do === 'restart'),
  ];
}

/** What reads files is refreshed, and what is restarted on the way there is on the way back, too. */
function stepsToRefreshBack(
  apply: readonly Step[],
  { before, contentsBefore }: PlanInput,
): readonly Step[] {
  const steps = refreshSteps(contentsBefore.map((change) => withAction(before, change)));
  const restarted = [...steps, ...apply].flatMap((step) =>
    step.do === 'restart' ? step.services : [],
  );
  const known = [...new Set(restarted)].filter((name) => Object.hasOwn(before.services, name));
  const others = steps.filter((step) => step.do !== 'restart');
  return known.length > 0 ? [...others, { do: 'restart', services: known }] : others;
}

/** The images a plan keeps for its rollback. */
export function keptImages(plan: Plan): readonly KeptImage[] {
  return plan.prepare.flatMap((step) => (step.do === 'keep-images' ? step.images : []));
}

/** What compose sees, and the services it would leave alone although what they use changed. */
function changesOf(input: PlanInput): Change[] {
  const changes = diffModels(input.before, input.after);
  const moved = movedChanges(changes, input);
  const anew = new Set(touchedServices([...changes, ...moved]));
  const contents = input.contents
    .filter(({ service }) => Object.hasOwn(input.before.services, service) && !anew.has(service))
    .map((change) => ({ kind: 'contents' as const, ...withAction(input.after, change) }));
  return [...changes, ...moved, ...contents];
}

/** Services whose image moved under its name; one that gets another name is told of by its model. */
function movedChanges(changes: readonly Change[], { moved = [] }: PlanInput): Change[] {
  const told = new Set(touchedServices(changes));
  return moved.flatMap(({ services, reference: image, from, digest: to }) =>
    services
      .filter((service) => !told.has(service))
      .map((service) => ({ kind: 'moved' as const, service, image, from, to })),
  );
}

function risksIn(services: readonly ServicePlan[], { before, after }: PlanInput): PlanRisk[] {
  return [
    ...services.flatMap(({ service, risks }) =>
      risks.map((risk) => ({ subject: `service ${service}`, ...risk })),
    ),
    ...volumeRisks(before, after).map((risk) => ({ subject: 'volumes', ...risk })),
  ];
}

function verdictOf(changes: readonly Change[], input: PlanInput): Verdict {
  if (input.everything) return 'full';
  const counted = changes.filter(
    (change) => change.kind !== 'contents' || change.on?.do !== 'ignore',
  );
  if (counted.length === 0 && input.servicesToBuild.length === 0) return 'nothing';
  const imagesOnly = counted.every(({ kind }) => kind === 'image' || kind === 'moved');
  return imagesOnly && input.servicesToBuild.length === 0 ? 'images' : 'full';
}

function strategyFor(changes: readonly Change[], input: PlanInput): Strategy {
  const isUnable = !atLeast(input.composeVersion, NETWORK_CHANGES_SINCE);
  return isUnable && changedNetworks(changes).length > 0 ? 'rebuild' : input.strategy;
}

function reasonsIn(changes: readonly Change[], strategy: Strategy, input: PlanInput): string[] {
  const reasons = [...changes.map(reasonFor), ...input.servicesToBuild.map(buildReason)];
  if (input.restores !== undefined) reasons.push(`the data of ${input.restores} is restored`);
  if (reasons.length === 0) reasons.push(nothingReason(input));
  if (strategy !== input.strategy) {
    reasons.push(
      `docker compose ${input.composeVersion} cannot change a network in place: down, then up`,
    );
  }
  return reasons;
}

/** What compose will not do although the model asks for it. */
function warningsFor(changes: readonly Change[], { before, after }: PlanInput): string[] {
  return changes.flatMap((change) =>
    change.kind === 'resource' &&
    change.section === 'volumes' &&
    change.what === 'changed' &&
    volumeName(before, change.name) === volumeName(after, change.name)
      ? [`volume ${change.name} changed: docker compose keeps an existing volume as it is`]
      : [],
  );
}

function buildReason(service: string): string {
  return `service ${service} is built anew: its build or files of its build context changed`;
}

function nothingReason(input: PlanInput): string {
  if (input.everything) return 'asked to apply everything again';
  const count = input.changedPaths.length;
  return `the compose project is unchanged; ${count} ${count === 1 ? 'file' : 'files'} changed`;
}
