import type { Config } from './config/schema.ts';
import { readApproval, readAwaiting, type Awaiting } from './approval-records.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { isLookDue } from './core/image-due.ts';
import { imageKeepers } from './core/image-keepers.ts';
import type { Looked } from './core/image-look.ts';
import { parseImageReference } from './core/image-reference.ts';
import type { MovedImage } from './core/moved-image.ts';
import type { Container } from './core/observe.ts';
import { own } from './core/own.ts';
import { lookForImages } from './look-for-images.ts';
import type { Host } from './host/host.ts';
import {
  liftImageQuarantine,
  readImageCheck,
  readImageQuarantine,
  writeImageCheck,
  type QuarantinedImage,
} from './image-records.ts';

/** What registries have for services whose image may move, and the cluster does not run. */
export interface NewerImages {
  /** To be brought. */
  readonly moved: readonly MovedImage[];
  /** Of services that are only watched. */
  readonly watched: readonly MovedImage[];
  /** Those that failed here. */
  readonly quarantined: readonly QuarantinedImage[];
  /** Too young: one sentence each. */
  readonly waiting: readonly string[];
  /** What could not be learned: one sentence each. Nothing is known to be up to date of these. */
  readonly failed: readonly string[];
}

/**
 * Whether registries are to be asked now: by the timer every `images.check_minutes`, by a person at once; and always
 * where an approval waits to be carried out.
 */
export async function mayLook(
  host: Host,
  config: Config,
  { commit, isAsked }: { readonly commit: string; readonly isAsked: boolean },
): Promise<boolean> {
  if (config.images.mode !== 'builtin') return false;
  const approval = await readApproval(host.state);
  if (approval?.moved !== undefined && approval.commit === commit) return true;
  const { check_minutes: checkMinutes } = config.images;
  const last = await readImageCheck(host.state);
  return isLookDue(last, { checkMinutes, isAsked, nowMs: host.now().getTime() });
}

/** Whether a person was told of images that wait for an approval, and is still to give it. */
export async function waitsForImages(
  host: Host,
  config: Config,
  commit: string,
): Promise<Awaiting | undefined> {
  if (config.images.mode !== 'builtin') return undefined;
  const [told, approval] = [await readAwaiting(host.state), await readApproval(host.state)];
  const isIt = told?.moved !== undefined && told.from === commit && told.commit === commit;
  return isIt && approval === undefined ? told : undefined;
}

/**
 * Asks the registries of the services whose image is ours to follow. What a Watchtower acts on is left to it; what does not
 * run has nothing that could be older. Nothing is pulled, and nothing changed but records.
 */
export async function newerImages(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<NewerImages> {
  const all = await host.engine.hostContainers();
  const { project_name: project, images } = config;
  const keepers = imageKeepers(model, { project, images, containers: all });
  const containers = await host.engine.containers();
  const runs = new Set(containers.map(({ service }) => service));
  host.progress('asking registries about images');
  const { services } = await lookForImages(host, config, ourPart(model, keepers, runs));
  const found = services.flatMap(({ service, policy, looked }): Answered[] =>
    looked === undefined ? [] : [{ service, isWatched: policy.follow === 'monitored', looked }],
  );
  const failed = [...new Set(found.flatMap(({ looked }) => failureOf(looked)))];
  await writeImageCheck(host.state, { at: host.now().toISOString(), failed });
  const { blocked, ...newer } = withoutShared(movedImages(found), found, containers);
  const quarantined = await stillQuarantined(host, [...newer.followed, ...newer.watched]);
  const isBad = ({ reference, digest }: MovedImage): boolean =>
    quarantined.some((one) => one.reference === reference && one.digest === digest);
  return {
    moved: newer.followed.filter((one) => !isBad(one)),
    watched: newer.watched,
    quarantined,
    waiting: [...new Set([...found.flatMap(({ looked }) => waitingOf(looked)), ...blocked])],
    failed,
  };
}

function ourPart(
  model: ComposeModel,
  keepers: ReturnType<typeof imageKeepers>,
  runs: ReadonlySet<string>,
): ComposeModel {
  const ours = Object.entries(model.services).filter(
    ([name]) => runs.has(name) && own(keepers, name)?.by !== 'watchtower',
  );
  return { ...model, services: Object.fromEntries(ours) };
}

interface Answered {
  readonly service: string;
  readonly isWatched: boolean;
  readonly looked: Looked;
}

/** One of each name and digest, with the services that get it. */
function movedImages(found: readonly Answered[]): {
  followed: readonly MovedImage[];
  watched: readonly MovedImage[];
} {
  const followed = new Map<string, MovedImage>();
  const watched = new Map<string, MovedImage>();
  for (const { service, isWatched, looked } of found) {
    const { answer, here, question } = looked;
    if (answer.verdict !== 'moved') continue;
    const reference = `${parseImageReference(question.reference).name}:${answer.tag}`;
    const all = isWatched ? watched : followed;
    const key = `${reference}@${answer.digest}`;
    const services = [...(all.get(key)?.services ?? []), service].toSorted();
    const from = here[0] ?? question.id ?? '';
    all.set(key, { services, reference, from, digest: answer.digest });
  }
  return { followed: [...followed.values()], watched: [...watched.values()] };
}

/**
 * A name means one image on this host: where a service that has it, too, is not to get the newer one, nobody gets it.
 */
function withoutShared(
  { followed, watched }: ReturnType<typeof movedImages>,
  found: readonly Answered[],
  containers: readonly Container[],
): ReturnType<typeof movedImages> & { blocked: readonly string[] } {
  const upToDate = new Set(
    found.flatMap(({ service, looked }) => (looked.answer.verdict === 'same' ? [service] : [])),
  );
  const keepers = ({ reference, services }: MovedImage): string[] =>
    containers.flatMap(({ service, image }) =>
      image !== reference || services.includes(service) || upToDate.has(service) ? [] : [service],
    );
  return {
    followed: followed.filter((one) => keepers(one).length === 0),
    watched,
    blocked: followed.flatMap((one) =>
      keepers(one).map((service) => `${one.reference}: ${service} has it, too, and keeps its own`),
    ),
  };
}

/** Of names that mean another image now, what failed is forgotten. */
async function stillQuarantined(
  host: Host,
  newer: readonly MovedImage[],
): Promise<readonly QuarantinedImage[]> {
  await liftImageQuarantine(host.state, (bad) =>
    newer.some(({ reference, digest }) => reference === bad.reference && digest !== bad.digest),
  );
  const all = await readImageQuarantine(host.state);
  return all.filter((bad) =>
    newer.some(({ reference, digest }) => reference === bad.reference && digest === bad.digest),
  );
}

function failureOf({ question, answer }: Looked): string[] {
  if (answer.verdict !== 'failed') return [];
  return [`${question.reference}: ${answer.detail} (next: ${answer.next})`];
}

function waitingOf({ question, answer }: Looked): string[] {
  return answer.verdict === 'waiting' ? [`${question.reference}: ${answer.why}`] : [];
}
