import type { ComposeModel, Service } from './compose-model.ts';
import { imagePolicies, type ImageDefaults, type ImagePolicy } from './image-policy.ts';
import { own } from './own.ts';
import { tagPolicyText } from './tag-policy.ts';
import {
  isLabelledFor,
  watchOf,
  watchtowersIn,
  type HostContainer,
  type Watched,
  type Watchtower,
} from './watchtower.ts';

/** Who is to bring newer images (`images.mode`). */
export type ImagesMode = 'watchtower' | 'builtin' | 'off';

/** Who follows the image of a service between releases. */
export interface ImageKeeper {
  readonly by: 'watchtower' | 'us' | 'nobody';
  readonly why: string;
  /** What a person should look at. */
  readonly warning?: string;
}

/** What is seen of this host. */
interface Seen {
  readonly project: string;
  /** `images` of the configuration. */
  readonly images: ImageDefaults & { readonly mode: ImagesMode };
  /** Of whichever project. */
  readonly containers: readonly HostContainer[];
}

/**
 * Who follows the image of each service. What a Watchtower acts on is left to it, whatever the mode: two of them on one
 * service would undo each other's work.
 */
export function imageKeepers(
  model: ComposeModel,
  { project, images, containers }: Seen,
): Readonly<Record<string, ImageKeeper>> {
  const towers = watchtowersIn(containers);
  const policies = imagePolicies(model, images);
  return Object.fromEntries(
    Object.entries(model.services).map(([name, service]) => {
      const watched = watchedOf(name, service, project, containers);
      const fixed = whyFixed(service);
      if (fixed !== undefined) return [name, { by: 'nobody', why: fixed }];
      const other = otherKeeper(watched, towers, images.mode);
      return [
        name,
        images.mode === 'builtin'
          ? (other ?? ourKeeper(policies[name]))
          : (other ?? nobody(watched, towers, images.mode)),
      ];
    }),
  );
}

interface Watching {
  readonly tower: Watchtower;
  readonly does: 'acts' | 'tells';
  readonly why: string;
}

function watchesOf(watched: readonly Watched[], towers: readonly Watchtower[]): Watching[] {
  return towers.flatMap((tower) =>
    watched.flatMap((one) => {
      const watch = watchOf(tower, one);
      return watch === undefined ? [] : [{ tower, ...watch }];
    }),
  );
}

/** A Watchtower that acts on it, in whichever mode. */
function otherKeeper(
  watched: readonly Watched[],
  towers: readonly Watchtower[],
  mode: ImagesMode,
): ImageKeeper | undefined {
  const acting = watchesOf(watched, towers).filter(({ does }) => does === 'acts');
  const first = acting.find(({ tower }) => tower.state !== 'paused') ?? acting[0];
  if (first === undefined) return undefined;
  const { tower, why } = first;
  const warning = `images.mode is ${mode}, and ${tower.name} acts on it`;
  return { by: 'watchtower', why, ...(mode === 'watchtower' ? {} : { warning }) };
}

function ourKeeper(policy: ImagePolicy | undefined): ImageKeeper {
  if (policy === undefined || policy.follow === 'not')
    return { by: 'nobody', why: policy?.why ?? 'it has no image' };
  const tags = policy.tags.kind === 'same-tag' ? '' : `, ${tagPolicyText(policy.tags)}`;
  return policy.follow === 'monitored'
    ? { by: 'nobody', why: `it is only watched${tags}` }
    : { by: 'us', why: `images.mode is builtin${tags}` };
}

function nobody(
  watched: readonly Watched[],
  towers: readonly Watchtower[],
  mode: ImagesMode,
): ImageKeeper {
  if (mode === 'off') return { by: 'nobody', why: 'images.mode is off' };
  const [telling] = watchesOf(watched, towers);
  if (telling) return { by: 'nobody', why: telling.why };
  if (!watched.some(({ labels }) => isLabelledFor(labels))) {
    return { by: 'nobody', why: 'no Watchtower watches it' };
  }
  const why = `it is labelled for Watchtower, and ${towers.length > 0 ? 'none that runs watches it' : 'none runs'}`;
  return { by: 'nobody', why, warning: why };
}

/** Why no registry can have a newer one. */
function whyFixed({ image, build }: Service): string | undefined {
  if (build !== undefined || image === undefined) return 'it is built on this host, with a release';
  return image.includes('@') ? 'its release names the digest' : undefined;
}

/** Labels of its image are to be had from a container only; what the model says counts more. */
function watchedOf(
  name: string,
  { image = '', container_name: ownName, labels }: Service,
  project: string,
  containers: readonly HostContainer[],
): Watched[] {
  const said = textsOf(labels);
  const running = containersOf(containers, project).filter(({ service }) => service === name);
  if (running.length === 0) {
    return [{ name: ownName ?? `${project}-${name}-1`, image, labels: said }];
  }
  return running.map(({ container }) => ({
    name: container.name,
    image,
    labels: { ...container.labels, ...said },
  }));
}

function textsOf(labels: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels ?? {}).map(([key, value]) => [key, String(value)]),
  );
}

function containersOf(
  containers: readonly HostContainer[],
  project: string,
): { readonly service: string; readonly container: HostContainer }[] {
  return containers.flatMap((container) => {
    const label = (name: string): string | undefined =>
      own(container.labels, `com.docker.compose.${name}`);
    const isOurs = label('project') === project && label('oneoff') !== 'True';
    return isOurs ? [{ service: label('service') ?? '', container }] : [];
  });
}

/** A Watchtower, and the services of the project that it watches. */
export interface WatchingTower extends Watchtower {
  readonly services: readonly string[];
}

/**
 * The Watchtowers that watch anything of a project, also such that only tell: those pull, too, and what a name stands for
 * would be another in the middle of a transaction.
 *
 * @param models what is not there yet, or not any more, counts as well
 */
export function towersOver(
  models: readonly ComposeModel[],
  { project, containers }: Omit<Seen, 'images'>,
): WatchingTower[] {
  const planned = models.flatMap(({ services }) =>
    Object.entries(services).flatMap(([service, one]) =>
      watchedOf(service, one, project, containers).map((watched) => ({ service, watched })),
    ),
  );
  const running = containersOf(containers, project).map(({ service, container }) => ({
    service,
    watched: container,
  }));
  return watchtowersIn(containers).flatMap((tower) => {
    const services = [...planned, ...running].flatMap(({ service, watched }) =>
      watchOf(tower, watched) === undefined ? [] : [service],
    );
    return services.length === 0 ? [] : [{ ...tower, services: [...new Set(services)].toSorted() }];
  });
}

/** The services that have no container that runs, of those that a Watchtower may be making anew. */
export function withoutContainer(
  services: readonly string[],
  { project, containers }: Omit<Seen, 'images'>,
): string[] {
  const there = containersOf(containers, project)
    .filter(
      ({ container: { state } }) =>
        state === 'running' || state === 'paused' || state === 'restarting',
    )
    .map(({ service }) => service);
  return services.filter((name) => !there.includes(name));
}

/** The services of a project that are labelled for a Watchtower, and that none watches. */
export function labelledWithout({ project, containers }: Omit<Seen, 'images'>): string[] {
  const towers = watchtowersIn(containers);
  const left = containersOf(containers, project).filter(
    ({ container }) =>
      isLabelledFor(container.labels) &&
      !towers.some((tower) => watchOf(tower, container) !== undefined),
  );
  return [...new Set(left.map(({ service }) => service))].toSorted();
}
