import type { Comparison } from '../../src/core/comparison.ts';

/** What a pair's truth.json says, as far as it is compared. */
export interface Truth {
  readonly class: 'none' | 'image-only' | 'full' | 'invalid-new';
  /** The old side does not parse: nothing is known of the differences. */
  readonly old_invalid?: boolean;
  readonly services?: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly fields_changed: Readonly<Record<string, readonly string[]>>;
    readonly only_image_changed: readonly string[];
  };
  readonly networks?: Sets;
  readonly volumes?: Sets;
  readonly configs?: Sets;
  readonly secrets?: Sets;
}

interface Sets {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Where a comparison says something else than the truth; one line each. */
export function disagreements(found: Comparison, truth: Truth): string[] {
  const isOnlyOldInvalid = truth.old_invalid === true && truth.class !== 'invalid-new';
  const verdict = isOnlyOldInvalid ? 'invalid-old' : truth.class;
  return [
    ...compare('verdict', [found.verdict], [verdict]),
    ...(truth.services ? compareServices(found.services, truth.services) : []),
    ...(['networks', 'volumes', 'configs', 'secrets'] as const).flatMap((section) => {
      const expected = truth[section];
      if (expected === undefined) return [];
      return (['added', 'removed', 'changed'] as const).flatMap((what) =>
        compare(`${section} ${what}`, found[section][what], expected[what]),
      );
    }),
  ];
}

/** The truth knows no renames: to it they are a removed and an added service. */
function compareServices(
  found: Comparison['services'],
  truth: NonNullable<Truth['services']>,
): string[] {
  const changed = Object.entries(truth.fields_changed)
    .filter(([name]) => !truth.only_image_changed.includes(name))
    .map(fieldsText);
  const added = [...found.added, ...found.renamed.map(({ to }) => to)];
  const removed = [...found.removed, ...found.renamed.map(({ from }) => from)];
  return [
    ...compare('services added', added, truth.added),
    ...compare('services removed', removed, truth.removed),
    ...compare('services with another image', found.imageOnly, truth.only_image_changed),
    ...compare('services changed', Object.entries(found.changed).map(fieldsText), changed),
  ];
}

const fieldsText = ([name, fields]: readonly [string, readonly string[]]): string =>
  `${name} (${fields.toSorted().join(' ')})`;

function compare(what: string, found: readonly string[], expected: readonly string[]): string[] {
  const [here, there] = [found.toSorted().join(', '), expected.toSorted().join(', ')];
  return here === there ? [] : [`${what}: ${here || 'none'}; the truth: ${there || 'none'}`];
}
