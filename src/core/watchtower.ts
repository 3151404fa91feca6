import type { ContainerState } from './observe.ts';
import { parseImageReference } from './image-reference.ts';
import { readArguments, truth, type Told } from './watchtower-flags.ts';

/** A container of this host, of whichever project. */
export interface HostContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  /** Entry point and arguments; empty where it cannot be a Watchtower. */
  readonly command: readonly string[];
  /** Likewise. */
  readonly environment: readonly string[];
}

/** What a Watchtower looks at to tell whether it is to watch a container. */
export type Watched = Pick<HostContainer, 'name' | 'image' | 'labels'>;

/** Whose Watchtower it is; a `stranger` has only its label. */
type Maker = 'containrrr' | 'nicholas-fedor' | 'openserbia' | 'stranger';

/** A Watchtower on this host: what it is, and what it was told to watch. */
export interface Watchtower {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  readonly maker: Maker;
  /** The version of the API it speaks; undefined for one that asks the engine, or that nobody knows. */
  readonly apiVersion: string | undefined;
  /** `--label-enable`: only what is labelled for it. */
  readonly onlyLabelled: boolean;
  /** `--scope`; undefined: of every scope. */
  readonly scope: string | undefined;
  /** `--monitor-only` or `--no-restart`: it pulls and tells, and makes nothing anew. */
  readonly onlyTells: boolean;
  readonly labelsWin: boolean;
  /** Names of containers, or patterns; empty: all. */
  readonly names: readonly string[];
  readonly disabledNames: readonly string[];
  /** Of one fork: patterns of images, and `label=value`; empty: all, or none. */
  readonly images: readonly string[];
  readonly skippedImages: readonly string[];
  readonly labelled: readonly string[];
  readonly disabledLabels: readonly string[];
}

export const WATCHTOWER_LABEL = 'com.centurylinklabs.watchtower';
const ENABLE_LABEL = `${WATCHTOWER_LABEL}.enable`;
const SCOPE_LABEL = `${WATCHTOWER_LABEL}.scope`;
const MONITOR_LABEL = `${WATCHTOWER_LABEL}.monitor-only`;

const MAKERS: readonly (readonly [image: RegExp, maker: Maker])[] = [
  [/(^|\/)containrrr\/watchtower$/, 'containrrr'],
  [/(^|\/)(nickfedor|nicholas-fedor)\/watchtower$/, 'nicholas-fedor'],
  [/(^|\/)openserbia\/watchtower$/, 'openserbia'],
];

/** What containrrr/watchtower speaks unless it is told another. */
const API_OF_CONTAINRRR = '1.25';

/** Whether a container may be a Watchtower: with the ID of an image for its name, only its details can tell. */
export function mayBeWatchtower({
  image,
  labels,
}: Pick<HostContainer, 'image' | 'labels'>): boolean {
  return image.startsWith('sha256:') || makerOf(image, labels) !== undefined;
}

function makerOf(image: string, labels: HostContainer['labels']): Maker | undefined {
  const { name } = parseImageReference(image);
  const known = MAKERS.find(([pattern]) => pattern.test(name))?.[1];
  return known ?? (labels[WATCHTOWER_LABEL] === 'true' ? 'stranger' : undefined);
}

/** The Watchtowers among the containers of a host that act, or would if nobody had paused them. */
export function watchtowersIn(containers: readonly HostContainer[]): Watchtower[] {
  return containers.flatMap((container): Watchtower[] => {
    const maker = makerOf(container.image, container.labels);
    const isThere = ['running', 'restarting', 'paused'].includes(container.state);
    return maker === undefined || !isThere ? [] : [readWatchtower(container, maker)];
  });
}

function readWatchtower(container: HostContainer, maker: Maker): Watchtower {
  const { id, name, image, state, command } = container;
  const told = readArguments(argumentsIn(command));
  const variables = new Map(
    container.environment.map((one): [string, string] => {
      const at = one.indexOf('=');
      return [one.slice(0, at), one.slice(at + 1)];
    }),
  );
  const text = (flag: string, variable = variableOf(flag)): string | undefined =>
    told.flags.get(flag)?.at(-1) ?? (variables.get(variable) || undefined);
  const isTold = (flag: string): boolean => truth(text(flag)) ?? false;
  const list = (flag: string): string[] => listOf(told, flag, variables.get(variableOf(flag)));
  const spoken = maker === 'containrrr' ? API_OF_CONTAINRRR : undefined;
  return {
    id,
    name,
    image,
    state,
    maker,
    apiVersion: text('api-version', 'DOCKER_API_VERSION') ?? spoken,
    onlyLabelled: isTold('label-enable'),
    scope: text('scope') || undefined,
    onlyTells: isTold('monitor-only') || isTold('no-restart'),
    labelsWin: isTold('label-take-precedence'),
    names: told.names.map(withoutSlash),
    disabledNames: list('disable-containers').map(withoutSlash),
    images: list('monitor-image-names'),
    skippedImages: list('skip-image-names'),
    labelled: list('enable-containers-by-label'),
    disabledLabels: list('disable-containers-by-label'),
  };
}

/** What comes behind the program itself; where it is started by another, nobody can tell but by the dashes. */
function argumentsIn(command: readonly string[]): readonly string[] {
  const program = command.findIndex((word) => /(^|\/)watchtower$/.test(word));
  if (program !== -1) return command.slice(program + 1);
  const first = command.findIndex((word) => word.startsWith('--'));
  return first === -1 ? [] : command.slice(first);
}

const variableOf = (flag: string): string =>
  `WATCHTOWER_${flag.toUpperCase().replaceAll('-', '_')}`;
const withoutSlash = (name: string): string => name.replace(/^\//, '');

function listOf({ flags }: Told, flag: string, variable = ''): string[] {
  const given = flags.get(flag)?.flatMap((one) => one.split(',')) ?? variable.split(/[, ]+/);
  return given.map((one) => one.trim()).filter((one) => one !== '');
}

/** What a Watchtower does with a container, and why. */
export interface Watch {
  /** `tells`: it pulls the newer image, and leaves the container as it is. */
  readonly does: 'acts' | 'tells';
  readonly why: string;
}

/** Undefined where it does not watch the container. */
export function watchOf(tower: Watchtower, container: Watched): Watch | undefined {
  const { labels } = container;
  const enabled = truth(labels[ENABLE_LABEL]);
  const scope = labels[SCOPE_LABEL] || 'none';
  if (enabled === false || (tower.onlyLabelled && enabled === undefined)) return undefined;
  if (tower.scope !== undefined && tower.scope !== scope) return undefined;
  if (!isChosen(tower, container)) return undefined;
  const tells = truth(labels[MONITOR_LABEL]);
  const onlyTells = tower.labelsWin
    ? (tells ?? tower.onlyTells)
    : tells === true || tower.onlyTells;
  const all = [
    ...(tower.onlyLabelled ? ['label enable'] : []),
    ...(tower.scope === undefined ? [] : [`scope ${tower.scope}`]),
    ...(tower.names.length > 0 ? ['its name'] : []),
    ...(tower.images.length + tower.labelled.length > 0 ? ['its image or label'] : []),
  ];
  const because = all.length > 0 ? all.join(', ') : 'it watches every container of this host';
  return onlyTells
    ? { does: 'tells', why: `${tower.name} only tells of a newer image (monitor-only)` }
    : { does: 'acts', why: `${tower.name} follows it: ${because}` };
}

function isChosen(tower: Watchtower, { name, image, labels }: Watched): boolean {
  const hasLabel = (pairs: readonly string[]): boolean =>
    pairs.some((pair) => {
      const [key = '', ...value] = pair.split('=');
      return Object.hasOwn(labels, key) && ['', labels[key]].includes(value.join('='));
    });
  // Only one of them takes patterns here: for the others that would be less than is watched.
  const isDisabled =
    tower.maker === 'nicholas-fedor'
      ? tower.disabledNames.some((pattern) => matches(pattern, name, false))
      : tower.disabledNames.includes(name);
  return (
    !isDisabled &&
    (tower.names.length === 0 || isIn(tower.names, name)) &&
    (tower.images.length === 0 || isIn(tower.images, image)) &&
    !tower.skippedImages.some((pattern) => matches(pattern, image, false)) &&
    (tower.labelled.length === 0 || hasLabel(tower.labelled)) &&
    !hasLabel(tower.disabledLabels)
  );
}

const isIn = (patterns: readonly string[], value: string): boolean =>
  patterns.some((pattern) => matches(pattern, value));

/** @param unreadable what is said of a pattern that only Go can read */
function matches(pattern: string, value: string, unreadable = true): boolean {
  if (pattern === value) return true;
  try {
    return new RegExp(`^(?:${pattern})$`).test(value);
  } catch {
    return unreadable;
  }
}

/** Whether it acts on whatever runs on this host: nobody told it what to leave alone. */
export function watchesEverything({
  onlyLabelled,
  scope,
  names,
  images,
  labelled,
}: Watchtower): boolean {
  const chosen = names.length + images.length + labelled.length;
  return !onlyLabelled && scope === undefined && chosen === 0;
}

/** Whether a person has labelled a service for Watchtower. */
export function isLabelledFor(labels: HostContainer['labels']): boolean {
  return truth(labels[ENABLE_LABEL]) === true || (labels[SCOPE_LABEL] ?? '') !== '';
}
