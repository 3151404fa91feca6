import type { Config } from './config/schema.ts';
import { readApproval, readAwaiting, type Awaiting } from './approval-records.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { isLookDue } from './core/image-due.ts';
import { imageKeepers } from './core/image-keepers.ts';
import type { Looked } from './core/image-look.ts';
import { canonicalReference, parseImageReference } from './core/image-reference.ts';
import type { MovedImage } from './core/moved-image.ts';
import { own } from './core/own.ts';
import { lookForImages } from './look-for-images.ts';
import { readRetry } from './records.ts';
import { stillBackingOff } from './retry.ts';
import type { Host } from './host/host.ts';
import { readImageCheck, readImageQuarantine, type QuarantinedImage } from './image-records.ts';

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
 * where an approval waits to be carried out, or what failed before anything was touched is to be tried again.
 */
export async function mayLook(
  host: Host,
  config: Config,
  { commit, isAsked }: { readonly commit: string; readonly isAsked: boolean },
): Promise<boolean> {
  if (config.images.mode !== 'builtin') return false;
  const approval = await readApproval(host.state);
  if (approval?.moved !== undefined && approval.commit === commit) return true;
  // It was told when what failed is tried again.
  const retry = await readRetry(host.state);
  const isRetry = retry?.commit.startsWith('images ') === true;
  if (isRetry && !(await stillBackingOff(host, retry.commit))) return true;
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
 * run has nothing that could be older. Nothing is pulled, and nothing changed.
 */
export async function newerImages(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<NewerImages> {
  const all = await host.engine.hostContainers();
  const { project_name: project, images } = config;
  const keepers = imageKeepers(model, { project, images, containers: all });
  const runs = new Set((await host.engine.containers()).map(({ service }) => service));
  host.progress('asking registries about images');
  const { services } = await lookForImages(host, config, ourPart(model, keepers, runs));
  const found = services.flatMap(({ service, policy, looked }): Answered[] =>
    looked === undefined ? [] : [{ service, isWatched: policy.follow === 'monitored', looked }],
  );
  const { blocked, ...newer } = withoutShared(movedImages(found), found, { model, runs });
  const held = await heldOf(host, newer.followed);
  return {
    ...held,
    watched: newer.watched,
    waiting: [...new Set([...found.flatMap(({ looked }) => waitingOf(looked)), ...blocked])],
    failed: [...new Set(found.flatMap(({ looked }) => failureOf(looked)))],
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
    const { name, tag } = parseImageReference(question.reference);
    // As the compose file writes it: then its name is only given to another image.
    const reference = answer.tag === tag ? question.reference : `${name}:${answer.tag}`;
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
  { model, runs }: { readonly model: ComposeModel; readonly runs: ReadonlySet<string> },
): ReturnType<typeof movedImages> & { blocked: readonly string[] } {
  const upToDate = new Set(
    found.flatMap(({ service, looked }) => (looked.answer.verdict === 'same' ? [service] : [])),
  );
  const keepers = ({ reference, services }: MovedImage): string[] =>
    Object.entries(model.services).flatMap(([name, { image = '' }]) => {
      const isIt = canonicalReference(image) === canonicalReference(reference);
      const keepsItsOwn = runs.has(name) && !services.includes(name) && !upToDate.has(name);
      return isIt && keepsItsOwn && !isBroughtToo(followed, name, reference) ? [name] : [];
    });
  return {
    followed: followed.filter((one) => keepers(one).length === 0),
    watched,
    blocked: followed.flatMap((one) =>
      keepers(one).map((service) => `${one.reference}: ${service} has it, too, and keeps its own`),
    ),
  };
}

/** The same image under another way to write its name. */
function isBroughtToo(
  followed: readonly MovedImage[],
  service: string,
  reference: string,
): boolean {
  return followed.some(
    (one) =>
      one.services.includes(service) &&
      canonicalReference(one.reference) === canonicalReference(reference),
  );
}

/**
 * What failed is not brought again under the same name. Of several that failed together one at a time is tried, once
 * nothing else has moved: so the one that is to blame is found with one outage more at most.
 */
async function heldOf(
  host: Host,
  newer: readonly MovedImage[],
): Promise<Pick<NewerImages, 'moved' | 'quarantined'>> {
  const all = await readImageQuarantine(host.state);
  const recordOf = ({ reference, digest }: MovedImage): QuarantinedImage | undefined =>
    all.find((one) => one.reference === reference && one.digest === digest);
  const isFree = (one: MovedImage): boolean => recordOf(one) === undefined;
  const [suspect] = newer.filter((one) => recordOf(one)?.isSuspect === true);
  const free = newer.filter(isFree);
  return {
    moved: free.length === 0 && suspect !== undefined ? [suspect] : free,
    quarantined: newer.flatMap((one) => {
      const record = recordOf(one);
      return record === undefined || record.isSuspect === true ? [] : [record];
    }),
  };
}

function failureOf({ question, answer }: Looked): string[] {
  if (answer.verdict !== 'failed') return [];
  return [`${question.reference}: ${answer.detail} (next: ${answer.next})`];
}

function waitingOf({ question, answer }: Looked): string[] {
  return answer.verdict === 'waiting' ? [`${question.reference}: ${answer.why}`] : [];
}
