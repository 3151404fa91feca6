import type { Config } from './config/schema.ts';
import { onlyServices, type ComposeModel } from './core/compose-model.ts';
import { sameValue } from './core/canonical-json.ts';
import {
  contentsChanged,
  definitionsChanged,
  mergeContents,
  type ContentsChange,
} from './core/contents.ts';
import { givenFiles } from './core/given.ts';
import type { ImageDigest, MovedImage } from './core/moved-image.ts';
import { fingerprintOf, type Container, type Fingerprint } from './core/observe.ts';
import { own } from './core/own.ts';
import { pinsBetween, withImages, type ChosenImages } from './core/pins.ts';
import { makePlan, type KeptImage, type Plan } from './core/plan.ts';
import type { EngineFacts, RemoteImage } from './core/preflight.ts';
import type { Host, Staging } from './host/host.ts';
import { imageIds, servicesToBuild, volumesOfImages } from './images.ts';
import type { Deployed } from './records.ts';
import { refuseBadLabels, refuseUnsafe, refuseUnset } from './refusals.ts';
import { resolveRelease, type Release } from './release.ts';

/** A decided change of release, with all that carrying it out and judging it needs. */
export interface Proposal {
  readonly plan: Plan;
  readonly staging: Staging;
  readonly oldModel: ComposeModel;
  readonly newModel: ComposeModel;
  readonly oldFingerprint: Fingerprint;
  /** The configuration hash compose gives each service of the new release. */
  readonly hashes: Readonly<Record<string, string>>;
  /** What the engine can do, asked while compose is. */
  readonly engine: EngineFacts;
  /** What registries say of the images that are new, asked while compose is: by reference. */
  readonly remoteImages: ReadonlyMap<string, Promise<RemoteImage>>;
}

/** What is asked for, beside following the branch. */
export interface Wish {
  readonly kind: 'update' | 'rollback';
  readonly from: string;
  readonly to: string;
  /** Name of the transaction. */
  readonly name: string;
  /** Name of the backup: it holds the release that is left. */
  readonly backup: string;
  readonly everything: boolean;
  /** Also a commit that does not contain the present one (`run --force`). */
  readonly allowRewind: boolean;
  /** Images that moved, where that is what is brought; the commit is the same. */
  readonly moved?: readonly MovedImage[];
  /** By service: other images than the compose file names, at the same commit. */
  readonly images?: ChosenImages;
  /** By reference: what is pulled under the name. */
  readonly digests?: Readonly<Record<string, string>>;
  /** What is quarantined when it is committed, for a person goes back from it. */
  readonly left?: readonly ImageDigest[];
  readonly keptImages?: readonly KeptImage[];
  /** The backup whose data is to be brought, too. */
  readonly restores?: string;
}

/**
 * The release this host is at: the one last verified here; else what the work tree has, which is
 * then taken for what runs.
 */
export async function currentCommit(host: Host, deployed: Deployed | undefined): Promise<string> {
  const head = await host.git.head();
  if (deployed === undefined) return head.commit;
  if (deployed.commit !== head.commit) {
    host.log.warn(
      `the work tree is at ${head.commit.slice(0, 12)}, but ${deployed.commit.slice(0, 12)} was deployed last: somebody moved it`,
    );
  }
  return deployed.commit;
}

/**
 * Proposes what is safe to be started. Whether it is, is asked while compose resolves the releases, and
 * is said first.
 */
export async function proposeSafely(
  host: Host,
  config: Config,
  wish: Wish,
  old?: Promise<Release>,
): Promise<Proposal> {
  await host.git.fetchSubmodules(wish.to);
  const [safe, proposal] = await Promise.allSettled([
    refuseUnsafe(host, config, wish),
    propose(host, config, wish, old),
  ]);
  if (safe.status === 'rejected') throw safe.reason;
  if (proposal.status === 'rejected') throw proposal.reason;
  return proposal.value;
}

/**
 * Resolves both releases with docker compose in staged trees, compares them and plans. What does not
 * wait for each other is asked for at the same time: compose takes most of it.
 */
async function propose(
  host: Host,
  config: Config,
  wish: Wish,
  old: Promise<Release> = resolveRelease(host, wish.from),
): Promise<Proposal> {
  const [before, resolved, containers, changedPaths, composeVersion, engine] = await Promise.all([
    old,
    wish.from === wish.to ? old : resolveRelease(host, wish.to),
    host.engine.containers(),
    host.git.changedPaths(wish.from, wish.to),
    host.compose.version(),
    host.engine.facts(),
  ]);
  const { staging } = resolved;
  const after = { ...resolved, model: withImages(resolved.model, wish.images ?? {}) };
  if (!wish.everything && wish.from !== wish.to) refuseUnset(after.unset);
  refuseBadLabels(after.model, wish.to);
  const remoteImages = askForNewImages(host, engine, before.model, after.model);
  const [[hashesBefore, hashesAfter], dormant, stale, ids] = await Promise.all([
    hashesOf(host, before.model, after.model),
    dormantServices(host, staging, after.model, containers),
    staleContents(host, before.model, containers),
    imageIds(host, after.model),
  ]);
  const models = { before: before.model, after: after.model, changedPaths };
  const kept = new Set(wish.keptImages?.map(({ service }) => service));
  const plan = makePlan({
    ...wish,
    ...models,
    ...pinsOf(before, after),
    contents: readersOfChanges(host, models),
    contentsBefore: readersOfChanges(host, { ...models, before: after.model, after: before.model }),
    servicesToBuild: (await servicesToBuild(host, models)).filter((name) => !kept.has(name)),
    runningImages: runningImages(containers, before.model),
    imageIds: ids,
    strategy: config.strategy,
    volumesBack: config.rollback.volumes,
    composeVersion,
    containers,
    dormant,
    stale,
    imageVolumes: await volumesOfImages(host, after.model, containers, ids),
    hashesBefore,
    hashesAfter,
    // Who asks for everything anew asks for this, too.
    repairsDrift: wish.everything || config.policy.drift === 'repair',
    warnings: after.warnings.filter((warning) => !before.warnings.includes(warning)),
  });
  return {
    plan,
    staging,
    oldModel: before.model,
    newModel: after.model,
    oldFingerprint: fingerprintOf(containers),
    hashes: hashesAfter,
    engine,
    remoteImages,
  };
}

/** The tags chosen for services before and after, where there are any. */
function pinsOf(before: Release, after: Release): Pick<Plan, 'pins'> {
  const [from, to] = [before, after].map(({ declared, model }) => pinsBetween(declared, model));
  return Object.keys({ ...from, ...to }).length === 0
    ? {}
    : { pins: { from: from ?? {}, to: to ?? {} } };
}

/** Registries take as long as compose: they are asked at the same time, for what will be wanted. */
function askForNewImages(
  host: Host,
  engine: EngineFacts,
  before: ComposeModel,
  after: ComposeModel,
): ReadonlyMap<string, Promise<RemoteImage>> {
  const known = new Set(Object.values(before.services).map(({ image }) => image));
  const fresh = Object.values(after.services).flatMap(({ image, build }) =>
    image === undefined || build !== undefined || known.has(image) ? [] : [image],
  );
  return new Map(
    [...new Set(fresh)].map((reference) => {
      const answer = host.engine.remoteImage(reference, engine);
      // Who wants the answer hears of the failure.
      answer.catch(() => {});
      return [reference, answer];
    }),
  );
}

/**
 * Services with a container that are in the file, but behind a profile that is not active: compose
 * takes them for no orphans. Only asked where there are strangers at all.
 */
async function dormantServices(
  host: Host,
  staging: Staging,
  model: ComposeModel,
  containers: readonly Container[],
): Promise<string[]> {
  const strangers = containers.filter(({ service }) => !Object.hasOwn(model.services, service));
  if (strangers.length === 0) return [];
  const all = new Set(await host.compose.allServices(staging));
  return [...new Set(strangers.map(({ service }) => service))].filter((name) => all.has(name));
}

/** Service → what compose wrote into its containers, and would write otherwise now. */
async function staleContents(
  host: Host,
  model: ComposeModel,
  containers: readonly Container[],
): Promise<Record<string, string[]>> {
  const all = containers.flatMap((container) =>
    givenFiles(model, container.service).map((file) => ({ container, file })),
  );
  const found = await Promise.all(
    all.map(({ container, file }) => host.engine.fileDigest(container, file.path)),
  );
  const stale: Record<string, string[]> = {};
  for (const [index, { container, file }] of all.entries()) {
    if (found[index] === undefined || found[index] === file.sha256) continue;
    const known = stale[container.service] ?? [];
    stale[container.service] = [...new Set([...known, file.what])];
  }
  return stale;
}

type Hashes = Readonly<Record<string, string>>;

/** The hashes of both releases. A service that is defined the same has the same: it is asked once. */
async function hashesOf(
  host: Host,
  before: ComposeModel,
  after: ComposeModel,
): Promise<[Hashes, Hashes]> {
  const names = Object.keys(after.services);
  const changed = names.filter(
    (name) => !sameValue(own(before.services, name), after.services[name]),
  );
  // One after the other: the first is known from before on nearly every host.
  const old = await host.compose.hashes(before);
  const now = changed.length > 0 ? await host.compose.hashes(onlyServices(after, changed)) : {};
  const both = names.map((name) => [name, own(now, name) ?? own(old, name)] as const);
  return [
    old,
    Object.fromEntries(both.filter((one): one is [string, string] => one[1] !== undefined)),
  ];
}

/** Services that read files which changed, or use configs, secrets or volumes that did. */
function readersOfChanges(
  host: Host,
  {
    before,
    after,
    changedPaths,
  }: { before: ComposeModel; after: ComposeModel; changedPaths: readonly string[] },
): ContentsChange[] {
  const livePaths = changedPaths.map((path) => `${host.git.directory}/${path}`);
  return mergeContents([
    ...contentsChanged(after, livePaths),
    ...definitionsChanged(before, after),
  ]);
}

function runningImages(
  containers: readonly Container[],
  model: ComposeModel,
): { service: string; reference: string; id: string }[] {
  const byService = new Map(containers.map((container) => [container.service, container]));
  return [...byService].map(([service, { imageId, image }]) => ({
    service,
    reference: model.services[service]?.image ?? image,
    id: imageId,
  }));
}
