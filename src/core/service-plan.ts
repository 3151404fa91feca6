import { replicasOf, sharesNamespaceWith, type Service } from './compose-model.ts';
import type { Change } from './diff.ts';
import { driftOf, type DriftInput } from './drift.ts';
import { fieldChanges, type FieldChange } from './field-changes.ts';
import { followNamespaces, followRestarts } from './followers.ts';
import { imageVolumeRisks, type ImageVolumes } from './image-volumes.ts';
import { networkKeys } from './networks.ts';
import type { Container } from './observe.ts';
import { own } from './own.ts';
import { reasonFor } from './reasons.ts';
import {
  isStateful,
  removalRisks,
  riskOf,
  serviceRisks,
  type Risk,
  type RiskFinding,
} from './risk.ts';
import { stopSeconds } from './stop-seconds.ts';

/** What happens to the containers of a service. */
export type Action =
  | 'create'
  | 'recreate'
  | 'restart'
  | 'signal'
  | 'remove'
  | 'rename'
  | 'untouched';

/** What a plan says of one service, before anything is touched. */
export interface ServicePlan {
  readonly service: string;
  readonly action: Action;
  /** The name it had, where it is renamed. */
  readonly from?: string;
  /** How it runs otherwise than its present release says. */
  readonly drift?: string;
  /** Compose does not see why it has to be made anew: it has to be told. */
  readonly isForced?: boolean;
  /** Why, one sentence each; none where nothing happens and nothing is to be said. */
  readonly reasons: readonly string[];
  readonly values: readonly FieldChange[];
  readonly risk: Risk;
  readonly risks: readonly RiskFinding[];
  /** How long its containers may take to stop, in seconds; 0 where it is not interrupted. */
  readonly stopSecondsAtMost: number;
}

/** What is known of the host and of both releases when services are planned. */
export interface ServicePlanInput extends DriftInput {
  readonly changes: readonly Change[];
  readonly containers: readonly Container[];
  /** The configuration hash compose gives each service of the new release. */
  readonly hashesAfter: Readonly<Record<string, string>>;
  readonly servicesToBuild: readonly string[];
  /** The whole cluster is taken down and brought up. */
  readonly isRebuilt: boolean;
  /** Networks that are taken away and made anew: compose stops and starts what is attached. */
  readonly networksAnew: readonly string[];
  /** Whether services that run otherwise than their release says are mended on the way. */
  readonly repairsDrift: boolean;
  /** Service → configs and secrets that its containers hold with other contents. */
  readonly stale: Readonly<Record<string, readonly string[]>>;
  /** By service: where its images keep data, where it gets another one and both are known. */
  readonly imageVolumes: Readonly<Record<string, ImageVolumes>>;
  /** Services behind a profile that is not active, which a person may have started: left alone. */
  readonly dormant: readonly string[];
  /** Nothing is applied: neither the project nor what its services read changed. */
  readonly isIdle: boolean;
}

/** What is decided of a service, and why. */
export interface Decision {
  readonly action: Action;
  readonly reasons: readonly string[];
  readonly from?: string;
  readonly drift?: string;
  readonly isForced?: boolean;
}

/** Says of every service of either release, and of every other that has a container, what happens. */
export function planServices(input: ServicePlanInput): ServicePlan[] {
  const decisions = new Map<string, Decision>();
  const renamed = new Map(
    input.changes.flatMap((change) =>
      change.kind === 'renamed' ? [[change.from, change.service] as const] : [],
    ),
  );
  for (const name of namesIn(input)) {
    if (!renamed.has(name)) decisions.set(name, decide(input, name));
  }
  followNamespaces(input.after, decisions);
  followRestarts(input.after, decisions);
  // Once more: what is restarted takes along who shares its namespace.
  followNamespaces(input.after, decisions);
  return [...decisions].map(([service, decision]) => describe(input, service, decision));
}

function namesIn({ before, after, containers }: ServicePlanInput): string[] {
  const names = [
    ...Object.keys(before.services),
    ...Object.keys(after.services),
    ...containers.map(({ service }) => service),
  ];
  return [...new Set(names)].toSorted();
}

function decide(input: ServicePlanInput, name: string): Decision {
  const present = input.containers.filter(({ service }) => service === name);
  const change = input.changes.find((one) => one.kind !== 'resource' && one.service === name);
  const said = change ? [reasonFor(change)] : [];
  const now = own(input.after.services, name);
  const isDormant = !now && change === undefined && input.dormant.includes(name);
  if (isDormant) return { action: 'untouched', reasons: ['its profile is not active'] };
  if (input.isIdle) return asItIs(said, whatIsOff(input, name, present));
  if (!now) return goes(input, name, present.length > 0, said);
  if (change?.kind === 'renamed') return { action: 'rename', from: change.from, reasons: said };
  const wanted = replicasOf(now);
  if (present.length === 0) {
    if (wanted === 0) return { action: 'untouched', reasons: [...said, 'it has no replicas'] };
    return { action: 'create', reasons: change ? said : ['it has no container'] };
  }
  const anew = reasonsToRecreate(input, name, now);
  const [settings, stale] = [driftOf(input, name, present), staleIn(input, name)];
  const drift = settings ?? stale;
  if (drift !== undefined && anew.length === 0) {
    if (!input.repairsDrift && change === undefined) return asItIs(said, drift);
    const isForced = settings === undefined ? { isForced: true } : {};
    return { action: 'recreate', drift, ...isForced, reasons: [...said, drift] };
  }
  if (anew.length > 0) {
    const off = drift === undefined ? {} : { drift };
    return { action: 'recreate', ...off, reasons: said.length > 0 ? said : anew };
  }
  if (change?.kind === 'contents' && change.on !== undefined && change.on.do !== 'recreate') {
    return { action: change.on.do === 'ignore' ? 'untouched' : change.on.do, reasons: said };
  }
  if (change?.kind === 'contents') return { action: 'recreate', reasons: said };
  const networks = networkKeys(now).filter((network) => input.networksAnew.includes(network));
  if (networks.length > 0) {
    return { action: 'restart', reasons: [`network ${networks.join(', ')} is made anew`] };
  }
  return scaled(present, wanted) ?? started(now, present) ?? { action: 'untouched', reasons: said };
}

/** What runs otherwise than the release says, where nothing is going to be applied. */
function whatIsOff(
  input: ServicePlanInput,
  name: string,
  present: readonly Container[],
): string | undefined {
  const now = own(input.after.services, name);
  if (!now) return present.length > 0 ? ORPHAN : undefined;
  if (present.length === 0) return replicasOf(now) > 0 ? 'it has no container' : undefined;
  return driftOf(input, name, present) ?? staleIn(input, name);
}

/** What its containers hold is not what compose would write into them now. */
function staleIn({ before, stale }: ServicePlanInput, name: string): string | undefined {
  const what = own(before.services, name) && own(stale, name);
  return what && `it holds another ${what.join(', ')} than its release has`;
}

const ORPHAN = 'neither release has it: it is an orphan';

/** A service that nothing is done to, although it may run otherwise than its release says. */
function asItIs(said: readonly string[], drift: string | undefined): Decision {
  if (drift === undefined) return { action: 'untouched', reasons: said };
  return { action: 'untouched', drift, reasons: [...said, `left as it is: ${drift}`] };
}

function goes(
  { before }: ServicePlanInput,
  name: string,
  hasContainer: boolean,
  said: readonly string[],
): Decision {
  const reasons = Object.hasOwn(before.services, name) ? said : [ORPHAN];
  return hasContainer
    ? { action: 'remove', reasons }
    : { action: 'untouched', reasons: [...reasons, 'it has no container'] };
}

/** Why compose, or this program, makes a service anew that both releases have. */
function reasonsToRecreate(input: ServicePlanInput, name: string, now: Service): string[] {
  const { isRebuilt, servicesToBuild, hashesAfter, hashesBefore } = input;
  const sharers = sharesNamespaceWith(now).length > 0;
  const isChanged = input.changes.some(
    (change) => (change.kind === 'changed' || change.kind === 'image') && change.service === name,
  );
  const moved = input.changes.filter((one) => one.kind === 'moved' && one.service === name);
  const hash = own(hashesAfter, name);
  const differs = hash !== undefined && hash !== own(hashesBefore, name);
  return [
    ...moved.map(reasonFor),
    ...(isRebuilt ? ['the whole cluster is taken down and brought up'] : []),
    ...(servicesToBuild.includes(name) ? ['its image is built anew'] : []),
    ...((sharers ? isChanged : differs) ? ['its definition changed'] : []),
  ];
}

function scaled(present: readonly Container[], wanted: number): Decision | undefined {
  if (present.length === wanted) return undefined;
  const more = present.length < wanted;
  return {
    action: more ? 'create' : 'remove',
    reasons: [`${present.length} → ${wanted} containers; the others stay as they are`],
  };
}

/** A container that does not run is started; one that ended as a job does stays as it is. */
function started(now: Service, present: readonly Container[]): Decision | undefined {
  const isStopped = present.some(({ state, exitCode }) => state === 'exited' && exitCode !== 0);
  const restarts = now.restart === 'always' || now.restart === 'unless-stopped';
  const isEnded = present.some(({ state }) => state === 'exited');
  return isStopped || (isEnded && restarts)
    ? { action: 'restart', reasons: ['it does not run'] }
    : undefined;
}

const keepsRunning: ReadonlySet<Action> = new Set(['untouched', 'create', 'signal']);
function describe(input: ServicePlanInput, service: string, decision: Decision): ServicePlan {
  const { before, after } = input;
  const old = own(before.services, decision.from ?? service);
  const now = own(after.services, service);
  const risks = risksOf(input, service, decision);
  return {
    service,
    ...decision,
    values: old && now && decision.action !== 'rename' ? fieldChanges(old, now) : [],
    risk: riskOf(risks),
    risks,
    stopSecondsAtMost: keepsRunning.has(decision.action) ? 0 : stopSeconds(old ?? now),
  };
}

function risksOf(input: ServicePlanInput, service: string, decision: Decision): RiskFinding[] {
  const { before, after } = input;
  const old = own(before.services, decision.from ?? service);
  const now = own(after.services, service);
  const { action } = decision;
  if (action === 'remove' && !old) return [{ risk: 'look', why: 'the service is removed' }];
  if (!now) return old ? removalRisks(before, after, old) : [];
  const stops = action === 'recreate' || action === 'rename';
  const stateful: RiskFinding[] =
    stops && isStateful(before, old ?? now)
      ? [{ risk: 'look', why: 'it holds data, and is made anew' }]
      : [];
  const volumes = own(input.imageVolumes, service);
  return [
    ...serviceRisks(before, after, old, now),
    ...(volumes ? imageVolumeRisks(after, now, volumes) : []),
    ...stateful,
  ];
}
