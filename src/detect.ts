import type { Config } from './config/schema.ts';
import { onlyServices, type ComposeModel } from './core/compose-model.ts';
import { sameValue } from './core/canonical-json.ts';
import { contentsChanged, definitionsChanged, type ContentsChange } from './core/contents.ts';
import { fingerprintOf, type Container, type Fingerprint } from './core/observe.ts';
import { ON_FILE_CHANGE, onFileChange } from './core/on-file-change.ts';
import { own } from './core/own.ts';
import { makePlan, type KeptImage, type Plan } from './core/plan.ts';
import { RefusedError } from './errors.ts';
import type { Host, Staging } from './host/host.ts';
import type { Deployed } from './records.ts';
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
  readonly keptImages?: readonly KeptImage[];
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
 * Refuses what must not be started: a work tree with changes of its own, a branch that went
 * back, files of the operator's that a checkout would overwrite. Nothing is changed.
 */
async function refuseUnsafe(host: Host, config: Config, wish: Wish): Promise<void> {
  const dirty = await host.git.dirtyFiles();
  if (dirty.length > 0) {
    throw new RefusedError(
      `the work tree has changes that are not committed: ${dirty.join(', ')}`,
      'commit and push them, or put them aside with git stash; then start the update again',
    );
  }
  const [inTheWay, { commit: head, branch }] = await Promise.all([
    host.git.untrackedInTheWay(wish.to),
    host.git.head(),
  ]);
  if (inTheWay.length > 0) {
    throw new RefusedError(
      `files that are not in git would be overwritten by ${wish.to.slice(0, 12)}: ${inTheWay.join(', ')}`,
      'move them away or commit them; then start the update again',
    );
  }
  if (branch !== undefined && branch !== config.branch) {
    throw new RefusedError(
      `the work tree is on branch ${branch}, not on ${config.branch}`,
      `git -C ${host.git.directory} switch ${config.branch}    # or set \`branch\` in the configuration`,
    );
  }
  if (wish.allowRewind) return;
  for (const commit of new Set([wish.from, head])) {
    if (await host.git.isAncestor(commit, wish.to)) continue;
    throw new RefusedError(
      `branch ${config.branch} is at ${wish.to.slice(0, 12)}, which does not contain ${commit.slice(0, 12)}: it was rewritten, went back, or this host has commits of its own`,
      `git log ${commit.slice(0, 12)}...${wish.to.slice(0, 12)}; to go back on purpose: orchestrator-update rollback --to ${wish.to.slice(0, 12)}`,
    );
  }
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
  const [before, after, containers, changedPaths, composeVersion] = await Promise.all([
    old,
    wish.from === wish.to ? old : resolveRelease(host, wish.to),
    host.engine.containers(),
    host.git.changedPaths(wish.from, wish.to),
    host.compose.version(),
  ]);
  const { staging } = after;
  if (!wish.everything && wish.from !== wish.to) refuseUnset(after.warnings);
  refuseBadLabels(after.model);
  const [[hashesBefore, hashesAfter], dormant] = await Promise.all([
    hashesOf(host, before.model, after.model),
    dormantServices(host, staging, after.model, containers),
  ]);
  const livePaths = changedPaths.map((path) => `${host.git.directory}/${path}`);
  const plan = makePlan({
    ...wish,
    before: before.model,
    after: after.model,
    changedPaths,
    contents: readersOfChanges(before.model, after.model, livePaths),
    contentsBefore: readersOfChanges(after.model, before.model, livePaths),
    servicesToBuild: (
      await servicesToBuild(host, config, {
        before: before.model,
        after: after.model,
        changedPaths,
      })
    ).filter((name) => !wish.keptImages?.some(({ service }) => service === name)),
    runningImages: runningImages(containers, before.model),
    imageIds: await imageIds(host, after.model),
    strategy: config.strategy,
    composeVersion,
    containers,
    dormant,
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
  };
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
  before: ComposeModel,
  after: ComposeModel,
  livePaths: readonly string[],
): ContentsChange[] {
  const found = [...contentsChanged(after, livePaths), ...definitionsChanged(before, after)];
  return Object.entries(Object.groupBy(found, ({ service }) => service)).map(
    ([service, changes = []]) => ({ service, paths: changes.flatMap(({ paths }) => paths) }),
  );
}

/** A variable that is not set and has no default is a mistake: compose would put nothing there. */
function refuseUnset(warnings: readonly string[]): void {
  const names = warnings.flatMap(
    (warning) => /"([^"]+)\\?" variable is not set/.exec(warning)?.[1] ?? [],
  );
  if (names.length === 0) return;
  const are = names.length === 1 ? 'variable is' : 'variables are';
  throw new RefusedError(
    `the new release needs a value that this host does not have: ${are} not set: ${names.join(', ')}`,
    `put ${names.join(', ')} into the .env file beside the compose file (an empty value counts), or under compose.environment in the configuration, or give a default in the compose file: \${${names[0]}:-}; or accept blanks: orchestrator-update run --force`,
  );
}

function refuseBadLabels(model: ComposeModel): void {
  const bad = Object.keys(model.services).filter(
    (name) => onFileChange(model.services[name] ?? {}) === undefined,
  );
  if (bad.length === 0) return;
  throw new RefusedError(
    `the label ${ON_FILE_CHANGE} of service ${bad.join(', ')} makes no sense`,
    'recreate, restart, signal:HUP (or another signal) and ignore are known; mend it and push',
  );
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

async function imageIds(host: Host, model: ComposeModel): Promise<Record<string, string>> {
  const references = [
    ...new Set(Object.values(model.services).flatMap(({ image }) => image ?? [])),
  ];
  const ids = await Promise.all(references.map((reference) => host.engine.imageId(reference)));
  const known = references.map((reference, index) => [reference, ids[index]] as const);
  return Object.fromEntries(
    known.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/**
 * Services with a `build` that is told otherwise, whose context has changed files, or whose image
 * is not there.
 */
async function servicesToBuild(
  host: Host,
  config: Config,
  release: { before: ComposeModel; after: ComposeModel; changedPaths: readonly string[] },
): Promise<string[]> {
  const { before, after, changedPaths } = release;
  const built = Object.entries(after.services).filter(([, service]) => service.build !== undefined);
  const needed = await Promise.all(
    built.map(async ([name, service]) => {
      const image = service.image ?? `${config.project_name}-${name}`;
      const context = (service.build as { context?: string }).context ?? '';
      const old = before.services[name]?.build;
      const isOther = old !== undefined && !sameValue(old, service.build);
      const changed = changedPaths.some((path) =>
        touchesContext(`${host.git.directory}/${path}`, context),
      );
      return isOther || changed || (await host.engine.imageId(image)) === undefined ? [name] : [];
    }),
  );
  return needed.flat();
}

/** Whether a changed path lies in a build context, or is a submodule that holds one. */
function touchesContext(path: string, context: string): boolean {
  return path === context || path.startsWith(`${context}/`) || context.startsWith(`${path}/`);
}
