import { dockerLogin } from '../argv/docker.ts';
import { printable } from '../argv/command.ts';
import type { FailureKind } from '../core/image-look.ts';
import type { Rest } from '../core/registry-memory.ts';

/** A registry, or what it was asked for, gave no answer that can be used. */
export class LookError extends Error {
  readonly kind: FailureKind;
  readonly next: string;
  /** ISO 8601. */
  readonly notBefore: string | undefined;

  constructor(kind: FailureKind, message: string, next: string, notBefore?: string) {
    super(message);
    this.kind = kind;
    this.next = next;
    this.notBefore = notBefore;
  }
}

export function denied(registry: string, why: string): LookError {
  return new LookError('denied', why, printable(dockerLogin(registry)));
}

export function unreachable(registry: string, url: string, why: string): LookError {
  return new LookError('unreachable', `${registry} does not answer: ${why}`, curl('-sSI', url));
}

/** A look has an end, whoever is slow. */
export function tooLate(registry: string, url: string, lookSeconds: number): LookError {
  return new LookError(
    'unreachable',
    `${registry} was not asked for ${url}: asking the registries took more than ${lookSeconds} s`,
    curl('-sSI', url),
  );
}

export function badAnswer(registry: string, url: string, why: string): LookError {
  return new LookError('bad answer', `${registry} ${why}`, curl('-sSi', url));
}

/** Addresses are told us by others: what a person is to type has them quoted. */
function curl(option: string, url: string): string {
  return printable({ file: 'curl', args: [option, url] });
}

/** A registry that is not asked before some time. */
export function resting(registry: string, { until, why }: Rest): LookError {
  return new LookError(
    'rate limited',
    `${registry} was asked too often (${why}); it is asked again from ${until} on`,
    `${printable(dockerLogin(registry))}    # a login may ask more often; or raise images.check_minutes`,
    until,
  );
}
