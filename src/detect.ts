import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { hostPorts, sharesNamespaceWith } from './core/compose-model.ts';
import { contentsChanged } from './core/contents.ts';
import { fingerprintOf, type Container, type Fingerprint } from './core/observe.ts';
import { makePlan, type KeptImage, type Plan } from './core/plan.ts';
import { RefusedError } from './errors.ts';
import type { Host, Staging } from './host/host.ts';
import type { Deployed } from './records.ts';

/** A decided change of release, with all that carrying it out and judging it needs. */
export interface Proposal {
  readonly plan: Plan;
  readonly staging: Staging;
  readonly oldModel: ComposeModel;
  readonly newModel: ComposeModel;
  readonly oldFingerprint: Fingerprint;
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
 * back, files of the operator's that a checkout would overwrite. Nothing is changed but git's own
 * store of objects.
 */
export async function refuseUnsafe(host: Host, config: Config, wish: Wish): Promise<void> {
  const dirty = await host.git.dirtyFiles();
  if (dirty.length > 0) {
    throw new RefusedError(
      `the work tree has changes that are not committed: ${dirty.join(', ')}`,
      'commit and push them, or put them aside with git stash; then start the update again',
    );
  }
  await host.git.fetchSubmodules(wish.to);
  const inTheWay = await host.git.untrackedInTheWay(wish.to);
  if (inTheWay.length > 0) {
    throw new RefusedError(
      `files that are not in git would be overwritten by ${wish.to.slice(0, 12)}: ${inTheWay.join(', ')}`,
      'move them away or commit them; then start the update again',
    );
  }
  const { commit: head, branch } = await host.git.head();
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

/** Resolves both releases with docker compose in staged trees, compares them and plans. */
export async function propose(host: Host, config: Config, wish: Wish): Promise<Proposal> {
  const oldStaging = await host.git.stage(wish.from);
  const staging = wish.from === wish.to ? oldStaging : await host.git.stage(wish.to);
  const before = await host.compose.resolve(oldStaging);
  const after = await host.compose.resolve(staging);
  const containers = await host.engine.containers();
  const changedPaths = await host.git.changedPaths(wish.from, wish.to);
  const livePaths = changedPaths.map((path) => `${host.git.directory}/${path}`);
  const drifted = await driftedServices(host, before.model, containers);
  const plan = makePlan({
    ...wish,
    before: before.model,
    after: after.model,
    changedPaths,
    contents: contentsChanged(after.model, livePaths),
    contentsBefore: contentsChanged(before.model, livePaths),
    servicesToBuild: (await servicesToBuild(host, config, after.model, changedPaths)).filter(
      (name) => !wish.keptImages?.some(({ service }) => service === name),
    ),
    runningImages: runningImages(containers, before.model),
    presentImages: await presentImages(host, after.model),
    strategy: config.strategy,
    composeVersion: await host.compose.version(),
    warnings: [
      ...after.warnings.filter((warning) => !before.warnings.includes(warning)),
      ...drifted.map(
        (name) => `service ${name} runs with other settings than its release has here`,
      ),
    ],
  });
  if (plan.verdict !== 'nothing' && !wish.everything) refuseBlank(before.warnings, drifted);
  return {
    plan,
    staging,
    oldModel: before.model,
    newModel: after.model,
    oldFingerprint: fingerprintOf(containers),
  };
}

/**
 * Services whose containers were made from other settings than their release has on this host:
 * an update would re-create them as well. Compose hashes the container's ID into a service that
 * shares another's namespace, so those are not compared.
 */
export async function driftedServices(
  host: Host,
  model: ComposeModel,
  containers: readonly Container[],
): Promise<string[]> {
  const hashes = await host.compose.hashes(model);
  const drifted = containers.filter(({ service, configHash }) => {
    const definition = model.services[service];
    const isComparable = definition && sharesNamespaceWith(definition).length === 0;
    return isComparable && hashes[service] !== undefined && hashes[service] !== configHash;
  });
  return [...new Set(drifted.map(({ service }) => service))];
}

/** A cluster that was started with variables this program does not have would lose them. */
function refuseBlank(warnings: readonly string[], drifted: readonly string[]): void {
  const unset = warnings.filter((warning) => warning.includes('variable is not set'));
  if (unset.length === 0 || drifted.length === 0) return;
  throw new RefusedError(
    `${drifted.join(', ')} would be re-created with blank settings: ${unset.join(' ')}`,
    'put the variables into the .env file beside the compose file, or under compose.environment in the configuration; or accept it: orchestrator-update run --force',
  );
}

/** Refuses what cannot go well on this host: a port that is taken, data that would be lost. */
export async function refuseImpossible(host: Host, proposal: Proposal): Promise<void> {
  if (proposal.plan.verdict === 'nothing') return;
  await refuseTakenPorts(host, proposal);
  if (proposal.plan.strategy === 'rebuild') await refuseLostVolumes(host);
}

async function refuseTakenPorts(host: Host, proposal: Proposal): Promise<void> {
  const ours = new Set(
    hostPorts(proposal.oldModel).map(({ port, protocol }) => `${port}/${protocol}`),
  );
  const wanted = hostPorts(proposal.newModel).filter(
    ({ port, protocol }) => !ours.has(`${port}/${protocol}`),
  );
  for (const { service, port, protocol } of wanted) {
    if (await host.portIsFree(port, protocol)) continue;
    throw new RefusedError(
      `service ${service} wants port ${port}/${protocol} of this host, and something else has it`,
      `ss -lnp 'sport = :${port}'; nothing was changed`,
    );
  }
}

/** `down` forgets anonymous volumes; only re-creating a container hands them on. */
async function refuseLostVolumes(host: Host): Promise<void> {
  const containers = await host.engine.containers();
  const at = containers.flatMap(({ service, anonymousVolumes }) =>
    anonymousVolumes.map((path) => `service ${service} at ${path}`),
  );
  if (at.length === 0) return;
  throw new RefusedError(
    `this release needs the cluster taken down, which would lose anonymous volumes: ${at.join(', ')}`,
    'give them names in the compose file, or move the data and recreate those services by hand',
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

async function presentImages(host: Host, model: ComposeModel): Promise<string[]> {
  const references = Object.values(model.services).flatMap(({ image }) => image ?? []);
  const ids = await Promise.all(references.map((reference) => host.engine.imageId(reference)));
  return references.filter((_, index) => ids[index] !== undefined);
}

/** Services with a `build` whose context has changed files, or whose image is not there. */
async function servicesToBuild(
  host: Host,
  config: Config,
  model: ComposeModel,
  changedPaths: readonly string[],
): Promise<string[]> {
  const built = Object.entries(model.services).filter(([, service]) => service.build !== undefined);
  const needed = await Promise.all(
    built.map(async ([name, service]) => {
      const image = service.image ?? `${config.project_name}-${name}`;
      const context = (service.build as { context?: string }).context ?? '';
      const changed = changedPaths.some((path) =>
        touchesContext(`${host.git.directory}/${path}`, context),
      );
      return changed || (await host.engine.imageId(image)) === undefined ? [name] : [];
    }),
  );
  return needed.flat();
}

/** Whether a changed path lies in a build context, or is a submodule that holds one. */
function touchesContext(path: string, context: string): boolean {
  return path === context || path.startsWith(`${context}/`) || context.startsWith(`${path}/`);
}
