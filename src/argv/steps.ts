import { pullableDigest } from '../core/moved-image.ts';
import { own } from '../core/own.ts';
import type { Step } from '../core/plan.ts';
import type { Command } from './command.ts';
import { dockerPull, dockerTag } from './docker.ts';

/** The commands a person would type for a step, where there are such; for `plan` to print. */
export function printableStep(step: Step): Command[] {
  switch (step.do) {
    case 'pull':
      return step.images.flatMap((reference) => pullCommands(reference, step.digests));
    case 'build':
      return [composeWord('build', ...step.services)];
    case 'down':
      return [composeWord('down', '--remove-orphans')];
    case 'checkout':
      return [{ file: 'git', args: ['checkout', step.commit.slice(0, 12)] }];
    case 'up':
      return [composeWord('up', '--detach', '--pull', 'never', '--no-deps', ...step.services)];
    case 'recreate':
      return [composeWord('up', '--detach', '--force-recreate', '--no-deps', ...step.services)];
    case 'restart':
      return [composeWord('restart', '--no-deps', ...step.services)];
    case 'signal':
      return [composeWord('kill', '--signal', step.signal, step.service)];
    case 'settle':
      return [composeWord('up', '--detach', '--pull', 'never', '--remove-orphans')];
    case 'stop':
      return [composeWord('stop')];
    case 'backup':
    case 'fill':
    case 'swap':
    case 'keep-images':
    case 'pin':
    case 'sweep':
    case 'restore-images':
      return [];
  }
}

function pullCommands(
  reference: string,
  digests: Readonly<Record<string, string>> = {},
): Command[] {
  const digest = own(digests, reference);
  if (digest === undefined) return [dockerPull(reference)];
  const exact = pullableDigest({ reference, digest });
  return [dockerPull(exact), dockerTag(exact, reference)];
}

function composeWord(...args: string[]): Command {
  return { file: 'docker', args: ['compose', ...args] };
}
