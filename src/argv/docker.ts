import type { Command } from './command.ts';

/** Pulls one image; the CLI knows the registry credentials. */
export function dockerPull(reference: string): Command {
  return { file: 'docker', args: ['pull', reference] };
}
