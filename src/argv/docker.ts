import type { Command } from './command.ts';

/** Pulls one image, as a person would type it; host/image-pull.ts asks the daemon for the same. */
export function dockerPull(reference: string): Command {
  return { file: 'docker', args: ['pull', reference] };
}

/** Gives an image a name, as a person would type it. */
export function dockerTag(image: string, reference: string): Command {
  return { file: 'docker', args: ['tag', image, reference] };
}

/** Logs in to a registry, as a person would type it. */
export function dockerLogin(registry: string): Command {
  return { file: 'docker', args: ['login', registry] };
}

/** What an image consists of, layer by layer, as its registry has it. */
export function inspectManifest(reference: string, insecure: boolean): Command {
  const trust = insecure ? ['--insecure'] : [];
  return { file: 'docker', args: ['manifest', 'inspect', '--verbose', ...trust, '--', reference] };
}

/** Prints an image as a file that `docker image load` reads. */
export function dockerSave(image: string): Command {
  return { file: 'docker', args: ['image', 'save', image] };
}

/** Brings an image back from such a file. */
export function dockerLoad(file: string): Command {
  return { file: 'docker', args: ['image', 'load', '--quiet', '--input', file] };
}

/** Runs a script in the shell of a container. */
export function dockerExec(container: string, script: string): Command {
  return { file: 'docker', args: ['exec', container, 'sh', '-c', script] };
}

/**
 * Asks a credential helper for what it has for a registry, whose address it reads on stdin
 * (github.com/docker/docker-credential-helpers).
 */
export function getCredentials(helper: string): Command {
  return { file: `docker-credential-${helper}`, args: ['get'] };
}
