import type { Action } from '../../../src/core/service-plan.ts';
import type { ComposeVersion } from '../../support/compose-versions.ts';

/** What is seen to happen to the containers of a service. */
export type Happening = Action;

/** The same with every docker compose, or by its version. */
export type Expected = Happening | Readonly<Record<ComposeVersion, Happening>>;

/** A part of a compose project. */
export interface Part {
  readonly services?: Readonly<Record<string, object>>;
  readonly networks?: Readonly<Record<string, object | null>>;
  readonly volumes?: Readonly<Record<string, object | null>>;
  readonly configs?: Readonly<Record<string, object>>;
  readonly secrets?: Readonly<Record<string, object>>;
  /** Beside the compose file; null removes one. */
  readonly files?: Readonly<Record<string, string | null>>;
}

/** One kind of change that a release can bring, and what it does to each service it concerns. */
export interface ChangeKind {
  readonly title: string;
  readonly before: Part;
  readonly after: Part;
  readonly expected: Readonly<Record<string, Expected>>;
}

export const image = (tag: string): string => `registry.lab:5000/knowledge:${tag}`;

/** A service of the lab that starts at once; `more` wins. */
export function service(more: object = {}): object {
  return {
    image: image('v1'),
    environment: { START_DELAY: '0' },
    stop_grace_period: '2s',
    ...more,
  };
}

/** A kind that changes one service, which is named after it. */
export function one(
  name: string,
  title: string,
  old: object,
  now: object,
  expected: Expected,
): ChangeKind {
  // Without a label of its own, one that goes and one that comes would be a service renamed.
  const part = (more: object): Part => ({
    services: { [name]: labelled(name, service(more)) },
  });
  return { title, before: part(old), after: part(now), expected: { [name]: expected } };
}

function labelled(name: string, definition: { readonly labels?: object }): object {
  return { ...definition, labels: { kind: name, ...definition.labels } };
}

/** What is expected of a service with one docker compose. */
export function expectedWith(version: ComposeVersion, expected: Expected): Happening {
  return typeof expected === 'string' ? expected : expected[version];
}
