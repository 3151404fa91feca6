import { canonicalJson, sameValue } from './canonical-json.ts';
import type { ComposeModel, Service } from './compose-model.ts';
import type { OnFileChange } from './on-file-change.ts';

/** One difference between two releases, per service or per top-level object. */
export type Change =
  | { readonly kind: 'added'; readonly service: string }
  | { readonly kind: 'removed'; readonly service: string }
  | { readonly kind: 'renamed'; readonly service: string; readonly from: string }
  | { readonly kind: 'image'; readonly service: string; readonly from: string; readonly to: string }
  | {
      /** Its registry has another image under the name that it has in both. */
      readonly kind: 'moved';
      readonly service: string;
      readonly image: string;
      /** Digests. */
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: 'changed'; readonly service: string; readonly fields: readonly string[] }
  | {
      readonly kind: 'contents';
      readonly service: string;
      /** Files, or what they are called in the model: `config app`, `volume data`. */
      readonly paths: readonly string[];
      /** Absent in a journal that an earlier version of this program wrote: `recreate`. */
      readonly on?: OnFileChange;
    }
  | {
      readonly kind: 'resource';
      readonly section: Section;
      readonly name: string;
      readonly what: 'added' | 'removed' | 'changed';
    };

export type Section = 'networks' | 'volumes' | 'configs' | 'secrets';
export const sections: readonly Section[] = ['networks', 'volumes', 'configs', 'secrets'];

/**
 * Compares two resolved models: services in name order, then networks, volumes, configs and
 * secrets. Key order never matters. A removed and an added service with the same configuration
 * are one renamed service: compose's own hash leaves the name out, so this is exact.
 */
export function diffModels(before: ComposeModel, after: ComposeModel): Change[] {
  return [
    ...diffServices(before, after),
    ...sections.flatMap((s) => diffSection(s, before, after)),
  ];
}

const untouching: ReadonlySet<Change['kind']> = new Set(['resource', 'removed', 'contents']);

/** The services of the new model that a set of changes defines anew, in name order. */
export function touchedServices(changes: readonly Change[]): string[] {
  const names = changes.flatMap((change) =>
    untouching.has(change.kind) || !('service' in change) ? [] : [change.service],
  );
  return [...new Set(names)].toSorted();
}

function diffServices(before: ComposeModel, after: ComposeModel): Change[] {
  const removed = namesOnlyIn(before.services, after.services);
  const added = namesOnlyIn(after.services, before.services);
  const renames = matchRenames(removed, added, before, after);
  const renamedFrom = new Set(renames.map((rename) => rename.from));
  const renamedTo = new Set(renames.map((rename) => rename.service));
  const kept = Object.keys(after.services).filter((name) => Object.hasOwn(before.services, name));
  const changes: Change[] = [
    ...removed
      .filter((n) => !renamedFrom.has(n))
      .map((service) => ({ kind: 'removed', service }) as const),
    ...added
      .filter((n) => !renamedTo.has(n))
      .map((service) => ({ kind: 'added', service }) as const),
    ...renames,
    ...kept.flatMap((name) => diffService(name, before.services[name], after.services[name])),
  ];
  return changes.toSorted((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1));
}

function matchRenames(
  removed: readonly string[],
  added: readonly string[],
  before: ComposeModel,
  after: ComposeModel,
): Extract<Change, { kind: 'renamed' }>[] {
  const free = new Set(added);
  return removed.flatMap((from) => {
    const old = canonicalJson(before.services[from]);
    const service = [...free].find((name) => canonicalJson(after.services[name]) === old);
    if (service === undefined) return [];
    free.delete(service);
    return [{ kind: 'renamed', service, from }];
  });
}

function diffService(name: string, old: Service | undefined, now: Service | undefined): Change[] {
  if (!old || !now) return [];
  const fields = changedFields(old, now);
  if (fields.length === 0) return [];
  if (fields.length === 1 && fields[0] === 'image') {
    return [{ kind: 'image', service: name, from: old.image ?? '', to: now.image ?? '' }];
  }
  return [{ kind: 'changed', service: name, fields }];
}

function diffSection(section: Section, before: ComposeModel, after: ComposeModel): Change[] {
  const old = before[section] ?? {};
  const now = after[section] ?? {};
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].toSorted();
  return names.flatMap((name): Change[] => {
    if (!Object.hasOwn(old, name)) return [{ kind: 'resource', section, name, what: 'added' }];
    if (!Object.hasOwn(now, name)) return [{ kind: 'resource', section, name, what: 'removed' }];
    if (sameValue(old[name], now[name])) return [];
    return [{ kind: 'resource', section, name, what: 'changed' }];
  });
}

function changedFields(old: Service, now: Service): string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].filter((name) => !sameValue(old[name], now[name])).toSorted();
}

function namesOnlyIn(here: object, there: object): string[] {
  return Object.keys(here)
    .filter((name) => !Object.hasOwn(there, name))
    .toSorted();
}

function nameOf(change: Change): string {
  return change.kind === 'resource' ? change.name : change.service;
}
