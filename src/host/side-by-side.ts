import { mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { composeConfig, composeVersion, standalone, type ComposeProject } from '../argv/compose.ts';
import type { Command } from '../argv/command.ts';
import { relocate, type ComposeModel } from '../core/compose-model.ts';
import { OperatorError } from '../errors.ts';
import { CommandError, exec, type ExecOptions, type ExecResult } from './exec.ts';
import { readGivenContents, type GivenContents } from './given-contents.ts';

/** A compose project in a directory. */
export interface Tree {
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
 * Opens a place to which a link leads, now to the one tree, now to the other: then a path in one
 * model is the same in the other, wherever it stands (in `$PWD`, in the middle of a command), and so
 * are the hashes. No daemon is asked.
 */
export async function openSideBySide(
  projectName: string,
  environment: NodeJS.ProcessEnv,
): Promise<SideBySide> {
  const compose = openCompose(defined(environment));
  const scratch = await mkdtemp(join(await realpath(tmpdir()), 'orchestrator-update-diff-'));
  const place = join(scratch, 'live');
  return {
    place,
    render: async (tree) => {
      const real = await realpath(tree.directory);
      await rm(place, { force: true });
      await symlink(real, place);
      const files = tree.files.map((file) => join(place, file));
      const directory = files[0] ? dirname(files[0]) : join(place, tree.projectPath);
      if (files.length === 0 && !(await hasProject(directory, environment))) {
        return { error: `no compose file in ${join(tree.directory, tree.projectPath)}` };
      }
      const project = { name: projectName, directory, files, profiles: [] };
      const resolve = async (one: ComposeProject): Promise<unknown> => {
        const { stdout } = await compose(composeConfig(one), {
          cwd: directory,
          environment: { USER: userInfo().username, ...defined(environment), PWD: directory },
          timeoutSeconds: COMPOSE_SECONDS,
        });
        return JSON.parse(stdout);
      };
      try {
        // What compose resolved through the link itself comes back to it.
        const model = relocate((await resolve(project)) as ComposeModel, real, place);
        const asking = join(scratch, 'asking.json');
        const given = await readGivenContents(model, async (values) => {
          await writeFile(asking, JSON.stringify(values));
          return resolve({ ...project, files: [asking] });
        });
        return { model, given };
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        const said = withoutWarnings(error.stderr) || error.message;
        return { error: said.replaceAll(place, tree.directory) };
      }
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

function withoutWarnings(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !line.includes('level=warning'));
  return lines.join('\n').trim();
}

/** Without files and settings compose would look for them in the directories above, up to the root. */
async function hasProject(directory: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (environment['COMPOSE_FILE']) return true;
  const names = await readdir(directory).catch(() => []);
  return names.some((name) => usualName.test(name) || name === '.env');
}

type RunCompose = (command: Command, options: ExecOptions) => Promise<ExecResult>;

/**
 * Runs the plugin of the docker command line, else the program of its own. Which one there is is asked
 * only after a failure: the question takes a tenth of the time that a large project does.
 */
function openCompose(environment: Record<string, string>): RunCompose {
  let isAlone: boolean | undefined;
  return async (command, options) => {
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
