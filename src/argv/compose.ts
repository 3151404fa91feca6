import type { Command } from './command.ts';

/** How a project is named to docker compose. */
export interface ComposeProject {
  readonly name: string;
  /** Absolute paths; empty: compose looks for its default names in `directory`. */
  readonly files: readonly string[];
  readonly directory: string;
  readonly profiles: readonly string[];
}

/** What `up` applies. */
export interface UpOptions {
  /** Without their dependencies; none means all services. */
  readonly services: readonly string[];
  readonly removeOrphans: boolean;
  /** Also what compose finds unchanged. */
  readonly forceRecreate?: boolean;
}

/** Resolves the model; `$` is written `$$` in it, as compose reads it back. */
export function composeConfig(project: ComposeProject): Command {
  return compose(project, ['config', '--format', 'json']);
}

/** The names of all services, whichever profiles are active. */
export function composeServices(project: ComposeProject): Command {
  return composeActiveServices({ ...project, profiles: ['*'] });
}

/** The names of the services that `up` applies: profiles are also activated by `.env`. */
export function composeActiveServices(project: ComposeProject): Command {
  return compose(project, ['config', '--services']);
}

/** The configuration hash per service, as compose stores it in the containers' labels. */
export function composeHashes(project: ComposeProject): Command {
  return compose(project, ['config', '--hash', '*']);
}

/**
 * Applies services. `--pull never`: images were pulled before anything was stopped, and a
 * rollback has no network. Never `--yes`: it can delete volumes.
 */
export function composeUp(project: ComposeProject, options: UpOptions): Command {
  return compose(project, [
    'up',
    '--detach',
    '--no-build',
    '--pull',
    'never',
    ...(options.removeOrphans ? ['--remove-orphans'] : []),
    ...(options.forceRecreate ? ['--force-recreate'] : []),
    ...(options.services.length > 0 ? ['--no-deps', '--', ...options.services] : []),
  ]);
}

/** Starts containers as they are. */
export function composeStart(project: ComposeProject, services: readonly string[]): Command {
  return compose(project, ['start', '--', ...services]);
}

/** Stops and starts containers as they are, with what their files say now. */
export function composeRestart(project: ComposeProject, services: readonly string[]): Command {
  return compose(project, ['restart', '--no-deps', '--', ...services]);
}

/** Takes containers and networks away. Never `--volumes`. */
export function composeDown(
  project: ComposeProject,
  { removeOrphans = true }: { readonly removeOrphans?: boolean } = {},
): Command {
  return compose(project, ['down', ...(removeOrphans ? ['--remove-orphans'] : [])]);
}

export function composeBuild(project: ComposeProject, services: readonly string[]): Command {
  return compose(project, ['build', '--', ...services]);
}

export const composeVersion: Command = {
  file: 'docker',
  args: ['compose', 'version', '--short'],
};

/** The same for the program of its own, `docker-compose`, which is compose without Docker's command line. */
export function standalone({ args: [, ...args] }: Command): Command {
  return { file: 'docker-compose', args };
}

function compose(project: ComposeProject, rest: readonly string[]): Command {
  return {
    file: 'docker',
    args: [
      'compose',
      '--ansi',
      'never',
      '--project-name',
      project.name,
      '--project-directory',
      project.directory,
      ...project.files.flatMap((file) => ['--file', file]),
      ...project.profiles.flatMap((profile) => ['--profile', profile]),
      ...rest,
    ],
  };
}
