import type { ComposeModel } from './compose-model.ts';
import type { ContentsChange } from './contents.ts';
import { fieldChanges, type FieldChange } from './field-changes.ts';
import { diffModels, sections, type Change, type Section } from './diff.ts';

/** What `diff` finds between two compose projects; the names of its JSON. */
export interface Comparison {
  /** Of the resolved models alone: contents of files do not count. */
  readonly verdict: 'none' | 'image-only' | 'full' | 'invalid-new' | 'invalid-old';
  readonly services: ServiceComparison;
  readonly networks: NameSets;
  readonly volumes: NameSets;
  readonly configs: NameSets;
  readonly secrets: NameSets;
  /** Service → the values that differ, secrets masked; of services on both sides. */
  readonly values: Readonly<Record<string, readonly FieldChange[]>>;
  /** Service → files it mounts or is built from that differ, relative to the trees. */
  readonly contents: Readonly<Record<string, readonly string[]>>;
  /** What docker compose says of a project that it cannot read. */
  readonly errors: readonly string[];
}

/** Each service is in one of these at most. */
interface ServiceComparison {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** The same definition under another name; neither in `added` nor in `removed`. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Nothing but `image` differs. */
  readonly imageOnly: readonly string[];
  /** Service → the fields that differ. */
  readonly changed: Readonly<Record<string, readonly string[]>>;
}

interface NameSets {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Compares two resolved models. */
export function compareModels(
  before: ComposeModel,
  after: ComposeModel,
  contents: readonly ContentsChange[],
): Comparison {
  const changes = diffModels(before, after);
  return {
    verdict: verdictOf(changes),
    services: servicesIn(changes),
    ...sectionsIn(changes),
    values: valuesIn(changes, before, after),
    contents: Object.fromEntries(contents.map(({ service, paths }) => [service, paths])),
    errors: [],
  };
}

/** What is said of projects that docker compose cannot read: nothing about their differences. */
export function invalidComparison(
  verdict: 'invalid-new' | 'invalid-old',
  errors: readonly string[],
): Comparison {
  return { verdict, services: servicesIn([]), ...sectionsIn([]), values: {}, contents: {}, errors };
}

function valuesIn(
  changes: readonly Change[],
  before: ComposeModel,
  after: ComposeModel,
): Comparison['values'] {
  return Object.fromEntries(
    changes.flatMap((change) => {
      if (change.kind !== 'changed' && change.kind !== 'image') return [];
      const { service } = change;
      const [old = {}, now = {}] = [before.services[service], after.services[service]];
      return [[service, fieldChanges(old, now)] as const];
    }),
  );
}

function verdictOf(changes: readonly Change[]): Comparison['verdict'] {
  if (changes.length === 0) return 'none';
  return changes.every(({ kind }) => kind === 'image') ? 'image-only' : 'full';
}

function servicesIn(changes: readonly Change[]): ServiceComparison {
  const named = (kind: 'added' | 'removed' | 'image'): string[] =>
    changes.flatMap((change) => (change.kind === kind ? [change.service] : []));
  return {
    added: named('added'),
    removed: named('removed'),
    renamed: changes.flatMap((change) =>
      change.kind === 'renamed' ? [{ from: change.from, to: change.service }] : [],
    ),
    imageOnly: named('image'),
    changed: Object.fromEntries(
      changes.flatMap((change) =>
        change.kind === 'changed' ? [[change.service, change.fields] as const] : [],
      ),
    ),
  };
}

function sectionsIn(changes: readonly Change[]): Record<Section, NameSets> {
  const sets = (section: Section): NameSets => {
    const named = (what: keyof NameSets): string[] =>
      changes.flatMap((change) =>
        change.kind === 'resource' && change.section === section && change.what === what
          ? [change.name]
          : [],
      );
    return { added: named('added'), removed: named('removed'), changed: named('changed') };
  };
  return Object.fromEntries(sections.map((section) => [section, sets(section)])) as Record<
    Section,
    NameSets
  >;
}
