import { backupBytes } from './back-up.ts';
import type { Config } from './config/schema.ts';
import { hostPorts, type ComposeModel } from './core/compose-model.ts';
import { fileOf, isWithin } from './core/contents.ts';
import { bindsOf } from './core/mounts.ts';
import {
  diskProblems,
  engineProblems,
  externalsOf,
  imageProblem,
  portClashes,
  unsupportedObjects,
  UNPACKED_FACTOR,
  type EngineFacts,
  type Problem,
  type RemoteImage,
} from './core/preflight.ts';
import { isHiddenFromService } from './core/sandbox.ts';
import type { Proposal } from './detect.ts';
import { RefusedError } from './errors.ts';
import type { Host, Staging } from './host/host.ts';

/** What a look at this host, before anything is touched, has found. */
export interface Preflight {
  /** What would keep the release from coming up. */
  readonly problems: readonly Problem[];
  /** What a person may not have meant. */
  readonly warnings: readonly string[];
}

/**
 * Looks for what would keep a release from coming up on this host, before anything is touched:
 * images, disk, ports, mounts, external objects, the engine. Nothing to apply needs nothing.
 */
export async function preflight(
  host: Host,
  config: Config,
  proposal: Proposal,
): Promise<Preflight> {
  const { plan, newModel, engine } = proposal;
  if (plan.verdict === 'nothing') return { problems: [], warnings: [] };
  host.progress('looking whether this host has what the release needs');
  const remote = await remoteImages(host, proposal);
  const asked = await Promise.all([
    takenPorts(host, proposal),
    plan.strategy === 'rebuild' ? lostVolumes(host) : Promise.resolve([]),
    diskNeeds(host, config, proposal, remote),
    missingExternals(host, newModel),
    missingSources(host, proposal.staging, newModel),
  ]);
  const warnings = await emptyBinds(host, proposal);
  const problems = [
    ...imageProblems(newModel, engine, remote),
    ...portClashes(newModel),
    ...unsupportedObjects(newModel),
    ...engineProblems(newModel, engine),
    ...asked.flat(),
  ];
  return { problems, warnings };
}

/** @throws {RefusedError} that names every problem, when there is one */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  throw new RefusedError(
    problems.map(({ problem }) => problem).join('; '),
    `${[...new Set(problems.map(({ next }) => next))].join('; ')}; nothing was changed`,
  );
}

async function takenPorts(host: Host, { oldModel, newModel }: Proposal): Promise<Problem[]> {
  const ours = new Set(hostPorts(oldModel).map(({ port, protocol }) => `${port}/${protocol}`));
  const foreign = hostPorts(newModel).filter(
    ({ port, protocol }) => !ours.has(`${port}/${protocol}`),
  );
  // Each once: two looks at the same time would be in each other's way.
  const wanted = [...new Map(foreign.map((one) => [`${one.port}/${one.protocol}`, one])).values()];
  const isFree = await Promise.all(
    wanted.map(({ port, protocol }) => host.portIsFree(port, protocol)),
  );
  return wanted
    .filter((_, index) => isFree[index] === false)
    .map(({ service, port, protocol }) => ({
      check: 'ports',
      problem: `service ${service} wants port ${port}/${protocol} of this host, and something else has it`,
      next: `ss -lnp 'sport = :${port}'`,
    }));
}

/** `down` forgets anonymous volumes; only re-creating a container hands them on. */
async function lostVolumes(host: Host): Promise<Problem[]> {
  const containers = await host.engine.containers();
  const at = containers.flatMap(({ service, anonymousVolumes }) =>
    anonymousVolumes.map((path) => `service ${service} at ${path}`),
  );
  if (at.length === 0) return [];
  return [
    {
      check: 'mounts',
      problem: `this release needs the cluster taken down, which would lose anonymous volumes: ${at.join(', ')}`,
      next: 'give them names in the compose file, or move the data and recreate those services by hand',
    },
  ];
}

type RemoteImages = Readonly<Record<string, RemoteImage>>;

const UNKNOWN: RemoteImage = { status: 'unknown', detail: '', platforms: [], layers: {} };

/** What the registries say of the images that have to be pulled. */
async function remoteImages(
  host: Host,
  { plan, engine, remoteImages: asked }: Proposal,
): Promise<RemoteImages> {
  const references = plan.prepare.flatMap((step) => (step.do === 'pull' ? step.images : []));
  const answers = await Promise.all(
    references.map((one) => asked.get(one) ?? host.engine.remoteImage(one, engine)),
  );
  return Object.fromEntries(references.map((one, index) => [one, answers[index] ?? UNKNOWN]));
}

function imageProblems(model: ComposeModel, engine: EngineFacts, remote: RemoteImages): Problem[] {
  const wanted = Object.values(model.services).flatMap(({ image = '', platform }) =>
    Object.hasOwn(remote, image)
      ? [[image, typeof platform === 'string' ? platform : engine.platform] as const]
      : [],
  );
  const problems = wanted.flatMap(([reference, platform]) => {
    const answer = remote[reference];
    return (answer && imageProblem(reference, platform, answer)) ?? [];
  });
  return [...new Map(problems.map((one) => [one.problem, one])).values()];
}

/** The images and the backup together; a layer that several images share is brought once. */
async function diskNeeds(
  host: Host,
  config: Config,
  { engine, oldModel }: Proposal,
  remote: RemoteImages,
): Promise<Problem[]> {
  const layers = Object.assign({}, ...Object.values(remote).map((one) => one.layers)) as Record<
    string,
    number
  >;
  const sentBytes = Object.values(layers).reduce((sum, bytes) => sum + bytes, 0);
  const [images, backups] = await Promise.all([
    host.disk(engine.rootDirectory),
    host.disk(config.backups_dir),
  ]);
  // A disk that the images do not fill is judged when the backup is made, by its own measure.
  if (sentBytes === 0 || !images || !backups) return [];
  const ofBackup = await backupBytes(host, config, oldModel);
  return diskProblems([
    { path: engine.rootDirectory, ...images, neededBytes: sentBytes * UNPACKED_FACTOR },
    { path: config.backups_dir, ...backups, neededBytes: ofBackup },
  ]);
}

async function missingExternals(host: Host, model: ComposeModel): Promise<Problem[]> {
  const { networks, volumes } = externalsOf(model);
  const missing = async (kind: 'network' | 'volume', names: string[]): Promise<Problem[]> => {
    const isThere = await Promise.all(names.map((name) => host.engine.exists(kind, name)));
    return names
      .filter((_, index) => isThere[index] === false)
      .map((name) => ({
        check: 'external',
        problem: `the release needs the external ${kind} ${name}, which this host does not have`,
        next: `docker ${kind} create ${name}`,
      }));
  };
  return [...(await missing('network', networks)), ...(await missing('volume', volumes))];
}

/** Files that compose does not make by itself: of configs and secrets, and of strict binds. */
async function missingSources(
  host: Host,
  staging: Staging,
  model: ComposeModel,
): Promise<Problem[]> {
  const files = (['configs', 'secrets'] as const).flatMap((section) =>
    Object.entries(model[section] ?? {}).flatMap(([name, one]) => {
      const file = fileOf(one);
      return file === undefined ? [] : [[`${section.slice(0, -1)} ${name}`, file] as const];
    }),
  );
  const binds = Object.entries(model.services).flatMap(([name, service]) =>
    bindsOf(model, service).flatMap(({ source, makesSource }) =>
      source === undefined || makesSource ? [] : [[`service ${name}`, source] as const],
    ),
  );
  const live = host.git.directory;
  const wanted = [...files, ...binds].filter(
    ([, path]) => isWithin(path, live) || !isHiddenFromService(path),
  );
  const isThere = await Promise.all(
    wanted.map(([, path]) => host.exists(stagedPath(host, staging, path))),
  );
  return wanted
    .filter((_, index) => isThere[index] === false)
    .map(([who, path]) => ({
      check: 'mounts',
      problem: `${who} needs ${path}, which is neither in the release nor on this host`,
      next: `make ${path}, or mend the compose file and push`,
    }));
}

/** Sources of new binds that compose will make as empty directories, which may have been meant as files. */
async function emptyBinds(
  host: Host,
  { staging, oldModel, newModel }: Proposal,
): Promise<string[]> {
  const known = new Set(sourcesMade(oldModel).map(([, source]) => source));
  const made = sourcesMade(newModel).filter(
    ([, source]) =>
      !known.has(source) && (isWithin(source, host.git.directory) || !isHiddenFromService(source)),
  );
  const isThere = await Promise.all(
    made.map(([, source]) => host.exists(stagedPath(host, staging, source))),
  );
  return made
    .filter((_, index) => isThere[index] === false)
    .map(
      ([name, source]) =>
        `service ${name} mounts ${source}, which is not there: docker makes an empty directory of it, owned by root`,
    );
}

/** Service and source of the binds that docker makes where they are missing. */
function sourcesMade(model: ComposeModel): [string, string][] {
  return Object.entries(model.services).flatMap(([name, service]) =>
    bindsOf(model, service).flatMap(({ source, makesSource }): [string, string][] =>
      source !== undefined && makesSource ? [[name, source]] : [],
    ),
  );
}

/** Where a path of the live tree is in the staged one, which also shows what lies beside git's files. */
function stagedPath(host: Host, staging: Staging, path: string): string {
  const live = host.git.directory;
  return isWithin(path, live) ? staging.directory + path.slice(live.length) : path;
}
