import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../argv/command.ts';
import { printable } from '../argv/command.ts';
import {
  composeActiveServices,
  composeBuild,
  composeConfig,
  composeDown,
  composeHashes,
  composeRestart,
  composeServices,
  composeStart,
  composeUp,
  composeVersion,
  type ComposeProject,
  type UpOptions,
} from '../argv/compose.ts';
import type { Config } from '../config/schema.ts';
import { withoutRoot, type ComposeModel } from '../core/compose-model.ts';
import { withDigests } from '../core/given.ts';
import { ownServices, upWithoutOwn, type OwnContainer } from '../core/own-service.ts';
import { InvalidReleaseError } from '../errors.ts';
import { z } from 'zod';
import { recall, remember } from './compose-memory.ts';
import { fillBuildContexts } from './build-context.ts';
import { CommandError, exec, type ExecResult, type Watch } from './exec.ts';
import { readGivenContents } from './given-contents.ts';
import type { ComposeHost, Resolved, Staging } from './host.ts';
import { parseModel } from '../core/model-json.ts';
import { leaveOwnOut } from './own-service.ts';
import { rememberHashes } from './known-hashes.ts';
import { asPinned, pinModel } from './pinned-model.ts';
import type { Repository } from './repository.ts';

export interface ComposeContext {
  readonly config: Config;
  readonly repository: Repository;
  readonly cacheDirectory: string;
  readonly stateDirectory: string;
  readonly signal: () => AbortSignal | undefined;
  readonly watch: Watch;
  /** The container that this program itself runs in. */
  readonly own: () => Promise<OwnContainer | undefined>;
}

/** docker compose, run in the project directory with the configured files and profiles. */
export function createCompose(context: ComposeContext): ComposeHost {
  const { config, repository } = context;
  const live = projectIn(config, config.project_dir);
  const run = (command: Command, cwd: string): Promise<ExecResult> =>
    runCompose(context, command, cwd);
  const livePresent = (): ComposeProject => asPinned(live, context.stateDirectory);
  const atLive = (command: Command): Promise<ExecResult> => run(command, config.project_dir);
  const stagedProject = (staging: Staging): ComposeProject =>
    projectIn(config, join(staging.directory, repository.projectPath));
  const hashes = hashesOf(context, live);

  return {
    version: () => knownVersion(context),
    resolve: async (staging) => {
      const resolved = await resolve(context, stagedProject(staging), staging);
      const own = await context.own();
      const atPlace = (): Promise<ComposeModel> => renderAll(context, live);
      const asking = { config, hashes, live: atPlace };
      return own === undefined ? resolved : leaveOwnOut(resolved, { own, ...asking });
    },
    allServices: async (staging) => {
      const project = stagedProject(staging);
      return namesIn(context, composeServices(project), project.directory);
    },
    hashes,
    pin: async (model) => {
      const all = model && (await renderAll(context, live).catch(() => undefined));
      await pinModel(context.stateDirectory, model, all);
    },
    up: async (options) => {
      const project = livePresent();
      const without = await leavingOwn(context, project, options);
      if (without !== undefined) await atLive(composeUp(project, without));
    },
    start: async (services) => void (await atLive(composeStart(livePresent(), services))),
    restart: async (services) => void (await atLive(composeRestart(livePresent(), services))),
    down: (model) =>
      withModelFile(context, model, async (file) => {
        // What this runs in would be an orphan: the model is without it.
        const removeOrphans = (await context.own())?.project !== config.project_name;
        const project = { ...live, files: [file], profiles: ['*'] };
        await atLive(composeDown(project, { removeOrphans }));
      }),
    build: async (staging, model, services) => {
      const project = stagedProject(staging);
      const timeoutSeconds = config.timeouts.build_seconds;
      const signal = context.signal();
      const limits = { timeoutSeconds, watch: context.watch, ...(signal ? { signal } : {}) };
      await fillBuildContexts(repository, staging, model, services, limits);
      await runCompose(context, composeBuild(project, services), project.directory, timeoutSeconds);
    },
    ...besideActs(context),
    recipe: () =>
      `cd ${config.project_dir} && ${printable(composeUp(livePresent(), { services: [], removeOrphans: true }))}`,
  };
}

async function knownVersion(context: ComposeContext): Promise<string> {
  const file = join(context.cacheDirectory, 'compose-version.json');
  const known = await recall(file, z.string());
  if (known !== undefined) return known;
  const version = (await runCompose(context, composeVersion, '/')).stdout.trim();
  await remember(file, version);
  return version;
}

/** What is done to projects beside the cluster. */
function besideActs(context: ComposeContext): Pick<ComposeHost, 'upBeside' | 'downBeside'> {
  return {
    upBeside: (model) =>
      withModelFile(context, model, async (file) => {
        const beside = { name: model.name ?? '', directory: '/', files: [file], profiles: [] };
        await runCompose(context, composeUp(beside, { services: [], removeOrphans: true }), '/');
      }),
    downBeside: async (project) => {
      const beside = { name: project, directory: '/', files: [], profiles: [] };
      await runCompose(context, composeDown(beside), '/');
    },
  };
}

function hashesOf(context: ComposeContext, live: ComposeProject): ComposeHost['hashes'] {
  return (model) =>
    rememberHashes(context.cacheDirectory, model, (unknown) =>
      withModelFile(context, unknown, async (file) => {
        const project = { ...live, files: [file], profiles: ['*'] };
        return hashesIn((await runCompose(context, composeHashes(project), live.directory)).stdout);
      }),
    );
}

async function namesIn(context: ComposeContext, command: Command, cwd: string): Promise<string[]> {
  const { stdout } = await runCompose(context, command, cwd);
  return stdout.split('\n').filter((name) => name !== '');
}

/** All services of the live tree, whichever profiles are active. */
async function renderAll(context: ComposeContext, live: ComposeProject): Promise<ComposeModel> {
  const command = composeConfig({ ...live, profiles: ['*'] });
  const { stdout } = await runCompose(quietly(context), command, live.directory);
  return parseModel(stdout) as ComposeModel;
}

/** What `up` is to apply beside what this program runs in; undefined where that is nothing. */
async function leavingOwn(
  context: ComposeContext,
  live: ComposeProject,
  wish: UpOptions,
): Promise<UpOptions | undefined> {
  const own = await context.own();
  if (own === undefined) return wish;
  const all = await renderAll(context, live);
  const isNamed = wish.services.length > 0 || ownServices(all, live.name, own).length === 0;
  const active = isNamed ? [] : await namesIn(context, composeActiveServices(live), live.directory);
  return upWithoutOwn(wish, { own, project: live.name, active, all });
}

/** The model of a staged release, as if it lay at the live place, with what its configs and secrets hold. */
async function resolve(
  context: ComposeContext,
  project: ComposeProject,
  staging: Staging,
): Promise<Resolved> {
  const render = (one: ComposeProject): Promise<ExecResult> =>
    runCompose(quietly(context), composeConfig(one), project.directory);
  // Twice: one that was killed, or met a Docker that was, says something too.
  const { stdout, stderr } = await render(project)
    .catch(() => render(project))
    .catch(async (error: unknown) => {
      throw await refusal(error, staging, context);
    });
  const rendered = withoutRoot(parseModel(stdout) as ComposeModel, staging.root);
  const given = await readGivenContents(rendered, (asking) =>
    withModelFile(context, asking, async (file) =>
      parseModel((await render({ ...project, files: [file] })).stdout),
    ),
  );
  return {
    model: withDigests(rendered, given.digests),
    warnings: warningsIn(stderr),
    unset: [...new Set([...unsetIn(stderr), ...given.unset])],
  };
}

/** Not watched: a model holds the values of `.env`, and --debug would print every line of it. */
function quietly(context: ComposeContext): ComposeContext {
  return { ...context, watch: { ...context.watch, line: () => {} } };
}

function projectIn(config: Config, directory: string): ComposeProject {
  return {
    name: config.project_name,
    directory,
    files: config.compose.files.map((file) => join(directory, file)),
    profiles: config.compose.profiles,
  };
}

function runCompose(
  context: ComposeContext,
  command: Command,
  cwd: string,
  timeoutSeconds = context.config.timeouts.compose_seconds,
): Promise<ExecResult> {
  const signal = context.signal();
  return exec(command, {
    cwd,
    environment: {
      PWD: cwd,
      BUILDX_CONFIG: join(context.cacheDirectory, 'buildx'),
      ...context.config.compose.environment,
    },
    timeoutSeconds,
    watch: context.watch,
    keepsLock: true,
    ...(signal ? { signal } : {}),
  });
}

/** Hands compose a resolved model, which holds secrets, as a file that only root can read. */
async function withModelFile<Result>(
  context: ComposeContext,
  model: object,
  use: (file: string) => Promise<Result>,
): Promise<Result> {
  const stagings = join(context.cacheDirectory, 'staging');
  await mkdir(stagings, { recursive: true, mode: 0o711 });
  // mkdtemp makes it 0700; what a crash leaves goes with the stagings.
  const scratch = await mkdtemp(join(stagings, `${process.pid}-model-`));
  try {
    const file = join(scratch, 'compose.json');
    await writeFile(file, JSON.stringify(model), { mode: 0o600 });
    return await use(file);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function hashesIn(stdout: string): Record<string, string> {
  const pairs = stdout.split('\n').flatMap((line) => {
    const [service, hash] = line.trim().split(/\s+/);
    return service && hash ? [[service, hash] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/** What compose warns of, one sentence each: `time="…" level=warning msg="…"`. */
function warningsIn(stderr: string): string[] {
  const messages = stderr.split('\n').flatMap((line) => {
    const found = /level=warning msg="((?:[^"\\]|\\.)*)"/.exec(line);
    return found?.[1] ? [found[1].replaceAll(String.raw`\"`, '"')] : [];
  });
  return [...new Set(messages)];
}

/** The variables without a value and a default that compose put nothing for. */
function unsetIn(stderr: string): string[] {
  return warningsIn(stderr).flatMap(
    (warning) => /"([^"]+)\\?" variable is not set/.exec(warning)?.[1] ?? [],
  );
}

async function refusal(
  error: unknown,
  staging: Staging,
  { config, repository }: ComposeContext,
): Promise<unknown> {
  if (!(error instanceof CommandError)) return error;
  const said = error.stderr.trim().replaceAll(staging.root, '');
  if (said === '') return error;
  const read = await filesRead(config, join(staging.directory, repository.projectPath));
  const where = read.map((file) => join(config.project_dir, file)).join(', ');
  return new InvalidReleaseError(
    staging.commit,
    `docker compose cannot read the release ${staging.commit.slice(0, 12)} (${where || `no compose file in ${config.project_dir}`}): ${said}`,
    `mend the compose project on branch ${config.branch} and push; nothing on this host was changed`,
  );
}

/** The compose files of a project, relative to it: compose itself does not always say which it read. */
async function filesRead(config: Config, directory: string): Promise<readonly string[]> {
  if (config.compose.files.length > 0) return config.compose.files;
  const usual = /^(docker-)?compose(\.override)?\.ya?ml$/;
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => usual.test(name)).toSorted();
}
