import { existsSync } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { composeConfig, composeVersion, standalone, type ComposeProject } from '../argv/compose.ts';
import type { Command } from '../argv/command.ts';
import { relocate, type ComposeModel } from '../core/compose-model.ts';
import { withoutSecrets } from '../core/secrets.ts';
import { OperatorError, UsageError } from '../errors.ts';
import { CommandError, exec, type ExecOptions, type ExecResult } from './exec.ts';
import { readGivenContents, type GivenContents } from './given-contents.ts';
import { parseModel } from '../core/model-json.ts';

/** How projects are rendered: the variables compose sees, and what stops it. */
export interface SideBySideOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/** A compose project in a directory. */
export interface Tree {
  /** As a person named it. */
  readonly name: string;
  /** What stands before a path in it where a person reads it: `/srv/shop/`, `HEAD~1:`. */
  readonly prefix: string;
  readonly directory: string;
  /** Where in it the project is, when no file says so; empty: `directory` itself. */
  readonly projectPath: string;
  /** Compose files, relative to `directory`; none: those compose looks for. */
  readonly files: readonly string[];
}

/** A model, with what its configs and secrets hold; or what docker compose says against it. */
export type Rendered =
  | { readonly model: ComposeModel; readonly given: GivenContents }
  | { readonly error: string };

/** Renders trees as if each lay at one and the same place. */
export interface SideBySide {
  /** Where they seem to lie. */
  readonly place: string;
  render(tree: Tree): Promise<Rendered>;
  close(): Promise<void>;
}

const COMPOSE_SECONDS = 120;
const usualName = /^(docker-)?compose\.ya?ml$/;

/**
 * Opens a place where now the one tree seems to lie, now the other: then a path in one model is the same
 * in the other, wherever it stands (in `$PWD`, in the middle of a command), and so are the hashes. It is
 * a directory of links to what is in the tree: compose resolves a link where the place itself would be
 * one. No daemon is asked.
 */
export async function openSideBySide(
  projectName: string,
  { environment, signal }: SideBySideOptions,
): Promise<SideBySide> {
  const compose = openCompose(defined(environment), signal);
  const scratch = await mkdtemp(join(await temporaryDirectory(), 'orchestrator-update-diff-'));
  // Two levels for paths that leave the tree.
  const place = join(scratch, 'above', 'around', 'live');
  const renderHere = (tree: Tree): Promise<Rendered> =>
    renderAt({ place, scratch, projectName, environment, compose }, tree);
  return {
    place,
    render: async (tree) => {
      const real = await realpath(tree.directory);
      await rm(join(scratch, 'above'), { recursive: true, force: true });
      await mkdir(place, { recursive: true });
      await linkInto(real, place);
      const rendered = await renderHere(tree);
      if (!('error' in rendered)) return rendered;
      // It may name files outside the tree, which are seldom there and take time to link.
      await linkInto(dirname(real), dirname(place));
      await linkInto(dirname(dirname(real)), dirname(dirname(place)));
      const again = await renderHere(tree);
      return 'error' in again ? rendered : again;
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

interface Place {
  readonly place: string;
  readonly scratch: string;
  readonly projectName: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly compose: RunCompose;
}

/** Renders what lies at the place now, which is this tree. */
async function renderAt(
  { place, scratch, projectName, environment, compose }: Place,
  tree: Tree,
): Promise<Rendered> {
  const files = tree.files.map((file) => join(place, file));
  const directory = files[0] ? dirname(files[0]) : join(place, tree.projectPath);
  const missing = tree.files.filter((file) => !existsSync(join(place, file)));
  if (missing.length > 0) return { error: `${missing.join(', ')} is not in ${tree.name}` };
  if (files.length === 0 && !(await hasProject(directory, environment))) {
    return { error: `there is no compose file in ${tree.name}` };
  }
  const project = { name: projectName, directory, files, profiles: [] };
  const resolve = async (one: ComposeProject): Promise<unknown> => {
    const { stdout } = await compose(composeConfig(one), {
      cwd: directory,
      environment: { ...userName(), ...defined(environment), PWD: directory },
      timeoutSeconds: COMPOSE_SECONDS,
    });
    return parseModel(stdout);
  };
  try {
    const model = (await resolve(project)) as ComposeModel;
    const asking = join(scratch, 'asking.json');
    const given = await readGivenContents(model, async (values) => {
      await writeFile(asking, JSON.stringify(values));
      return resolve({ ...project, files: [asking] });
    });
    return { model: withWatchedPaths(model, await realpath(tree.directory), place), given };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const said = withoutWarnings(error.stderr) || error.message;
    return {
      error: withoutSecrets(said.replaceAll(`${place}/`, tree.prefix).replaceAll(place, tree.name)),
    };
  }
}

/** Links to what is in a directory, but for what is there already; a link stays the link that it is. */
async function linkInto(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const source = join(from, entry.name);
    const target = entry.isSymbolicLink() ? await readlink(source) : source;
    await symlink(target, join(to, entry.name)).catch(() => {});
  }
}

/** Compose follows the last link of a watched path, and of no other. */
function withWatchedPaths(model: ComposeModel, real: string, place: string): ComposeModel {
  const services = Object.entries(model.services).map(([name, service]) => {
    const { develop } = service as { develop?: { watch?: readonly { path: string }[] } };
    if (develop?.watch === undefined) return [name, service] as const;
    const watch = relocate({ services: { watch: develop.watch as never } }, real, place);
    return [name, { ...service, develop: { ...develop, watch: watch.services['watch'] } }] as const;
  });
  return { ...model, services: Object.fromEntries(services) };
}

async function temporaryDirectory(): Promise<string> {
  return realpath(tmpdir()).catch(() => {
    throw new UsageError(`TMPDIR is ${tmpdir()}, which is not there`, 'unset TMPDIR');
  });
}

/** Compose may ask for it, and `sudo -u` or a container may have no name for the user. */
function userName(): Record<string, string> {
  try {
    return { USER: userInfo().username };
  } catch {
    return {};
  }
}

function withoutWarnings(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !/level=(warning|info)/.test(line));
  return lines.join('\n').trim();
}

/** Without files and settings compose would look for them in the directories above, up to the root. */
async function hasProject(directory: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (environment['COMPOSE_FILE']) return true;
  const names = await readdir(directory).catch(() => []);
  if (names.some((name) => usualName.test(name))) return true;
  const settings = await readFile(join(directory, '.env'), 'utf8').catch(() => '');
  return /^\s*(export\s+)?COMPOSE_FILE\s*=/m.test(settings);
}

type RunCompose = (command: Command, options: ExecOptions) => Promise<ExecResult>;

/**
 * Runs the plugin of the docker command line, else the program of its own. Which one there is is asked
 * only after a failure: the question takes a tenth of the time that a large project does.
 */
function openCompose(
  environment: Record<string, string>,
  signal: AbortSignal | undefined,
): RunCompose {
  let isAlone: boolean | undefined;
  return async (command, given) => {
    const options = { ...given, ...(signal ? { signal } : {}) };
    if (isAlone === true) return exec(standalone(command), options);
    try {
      return await exec(command, options);
    } catch (error) {
      isAlone ??= !(await isInstalled(composeVersion, environment));
      if (!isAlone) throw error;
    }
    if (!(await isInstalled(standalone(composeVersion), environment))) throw noCompose();
    return exec(standalone(command), options);
  };
}

async function isInstalled(
  command: Command,
  environment: Record<string, string>,
): Promise<boolean> {
  const options = { environment, timeoutSeconds: COMPOSE_SECONDS };
  const answer = await exec(command, options).catch(() => undefined);
  // Version 1, in Python, knows neither this syntax nor this command.
  return answer !== undefined && !/^v?1\./.test(answer.stdout.trim());
}

function noCompose(): OperatorError {
  return new OperatorError(
    'docker compose (version 2 or newer) is not installed',
    'apt-get install docker-compose    # or docker-compose-plugin of docker.com',
  );
}

function defined(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
}
