import { isOlderApi, oldestApiOf } from './engine-transaction.ts';
import {
  labelledWithout,
  towersOver,
  type ImagesMode,
  type WatchingTower,
} from './image-keepers.ts';
import {
  watchesEverything,
  watchtowersIn,
  WATCHTOWER_LABEL,
  type HostContainer,
  type Watchtower,
} from './watchtower.ts';

/** What is known of a host with Watchtowers, or without. */
export interface WatchtowerFacts {
  readonly project: string;
  readonly mode: ImagesMode;
  readonly containers: readonly HostContainer[];
  /** The oldest version of the API that the engine speaks; empty where it does not say. */
  readonly oldestApi: string;
  /** The names of those that are paused by us. */
  readonly held: readonly string[];
}

/** What a person should know of a Watchtower. */
export interface WatchtowerFinding {
  readonly isWell: boolean;
  readonly detail: string;
  readonly mend?: string;
}

/** The engine that shut most clients out, and the first of those after it. */
const STRICT_ENGINE = '29.0.0';
const LATER_ENGINE = '29.3.0';

const FORK = 'nickfedor/watchtower';

/** Everything about Watchtower on this host that is, or may become, wrong for the cluster; one `isWell` where nothing is. */
export function watchtowerFindings(facts: WatchtowerFacts): WatchtowerFinding[] {
  const all = watchtowersIn(facts.containers);
  const ours = towersOver([], facts);
  const wrong = [
    ...all.flatMap((tower) => [...archived(tower), ...shutOut(tower, facts.oldestApi)]),
    ...ours.flatMap((tower) => [...unboundedIn(tower), ...besideMode(tower, facts.mode)]),
    ...ours.flatMap((tower) => pausedBy(tower, facts.held)),
    ...unwatched(facts),
  ];
  if (wrong.length > 0) return wrong;
  const watched = ours.map(({ name, services }) => `${name} watches ${services.join(', ')}`);
  const none = `no Watchtower watches the cluster; images.mode is ${facts.mode}`;
  return [{ isWell: true, detail: watched.length > 0 ? watched.join('; ') : none }];
}

function archived({ name, maker, image }: Watchtower): WatchtowerFinding[] {
  if (maker !== 'containrrr') return [];
  return [
    {
      isWell: false,
      detail: `${name} runs ${image}, which is archived since 2025-12-17: nobody mends it any more`,
      mend: `image: ${FORK}    # or ghcr.io/nicholas-fedor/watchtower: the same labels and flags; then make ${name} anew`,
    },
  ];
}

/** What it speaks may be too old for this engine, or for the next one. */
function shutOut({ name, apiVersion }: Watchtower, oldestApi: string): WatchtowerFinding[] {
  if (apiVersion === undefined) return [];
  const strict = oldestApiOf(STRICT_ENGINE);
  const mend = `image: ${FORK}    # it asks the engine; or for now DOCKER_API_VERSION: "${strict}" in the environment of ${name}`;
  const isShutOut = oldestApi !== '' && isOlderApi(apiVersion, oldestApi);
  if (isShutOut) {
    const detail = `${name} speaks API ${apiVersion}, and this engine only ${oldestApi} or newer: it does nothing any more`;
    return [{ isWell: false, detail, mend }];
  }
  if (!isOlderApi(apiVersion, strict)) return [];
  const later = isOlderApi(apiVersion, oldestApiOf(LATER_ENGINE));
  const detail = `${name} speaks API ${apiVersion}: Docker 29.0 to 29.2 ${later ? `(${strict} or newer) and later 29 (${oldestApiOf(LATER_ENGINE)} or newer)` : `(${strict} or newer)`} will not talk to it after an upgrade`;
  return [{ isWell: false, detail, mend }];
}

function unboundedIn(tower: WatchingTower): WatchtowerFinding[] {
  if (!watchesEverything(tower) || tower.onlyTells) return [];
  return [
    {
      isWell: false,
      detail: `${tower.name} acts on every container of this host, the whole cluster with it (${tower.services.join(', ')}): so do we`,
      mend: `give ${tower.name} --label-enable --scope NAME, and label what is to be left to it: ${WATCHTOWER_LABEL}.enable, ${WATCHTOWER_LABEL}.scope`,
    },
  ];
}

function besideMode(tower: WatchingTower, mode: ImagesMode): WatchtowerFinding[] {
  if (mode === 'watchtower' || tower.onlyTells) return [];
  const { name, services } = tower;
  return [
    {
      isWell: false,
      detail: `images.mode is ${mode}, and ${name} acts on ${services.join(', ')}: they are left to it`,
      mend: `stop ${name}, or label them ${WATCHTOWER_LABEL}.enable: "false"; or images.mode: watchtower`,
    },
  ];
}

function pausedBy({ name, state }: WatchingTower, held: readonly string[]): WatchtowerFinding[] {
  if (state !== 'paused') return [];
  return held.includes(name)
    ? [
        {
          isWell: false,
          detail: `${name} is paused by us until what is under way is over`,
          mend: 'orchestrator-update status    # where an operator is needed: orchestrator-update acknowledge',
        },
      ]
    : [
        {
          isWell: false,
          detail: `${name} is paused, by somebody else: it brings no image`,
          mend: `docker unpause ${name}`,
        },
      ];
}

/** Labelled for a Watchtower that is not there. */
function unwatched(facts: WatchtowerFacts): WatchtowerFinding[] {
  const services = facts.mode === 'watchtower' ? labelledWithout(facts) : [];
  if (services.length === 0) return [];
  const runs = watchtowersIn(facts.containers).map(({ name }) => name);
  const who = runs.length > 0 ? `${runs.join(', ')} does not watch them` : 'none runs';
  return [
    {
      isWell: false,
      detail: `labelled for Watchtower: ${services.join(', ')}, and ${who}: nobody brings newer images`,
      mend: `run ${FORK} with their scope, or set images.mode: builtin`,
    },
  ];
}
