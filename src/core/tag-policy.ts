import { matcher } from './tag-pattern.ts';
import {
  comparePrecedence,
  compareVersions,
  isDate,
  MOST_TAG_CHARACTERS,
  parseVersionTag,
  type VersionTag,
} from './version-tag.ts';

/** Which tags of its repository a service may move to. */
export type TagPolicy =
  | { readonly kind: 'same-tag' }
  | { readonly kind: 'semver'; readonly part: 'patch' | 'minor' | 'major' }
  | { readonly kind: 'regex'; readonly pattern: string };

/** What is understood, for messages. */
export const TAG_POLICIES =
  'same-tag, semver:patch, semver:minor, semver:major and regex:^…$ are known (an expression of at most 200 characters, without look-around and back-references)';

/** Reads `same-tag`, `semver:minor`, `regex:^1\.\d+$`; undefined where it makes no sense. */
export function parseTagPolicy(text: string): TagPolicy | undefined {
  const said = text.trim();
  if (said === 'same-tag') return { kind: 'same-tag' };
  const part = /^semver:\s*(patch|minor|major)$/.exec(said)?.[1];
  if (part === 'patch' || part === 'minor' || part === 'major') return { kind: 'semver', part };
  if (!said.startsWith('regex:')) return undefined;
  const pattern = said.slice('regex:'.length).trim();
  return matcher(pattern) === undefined ? undefined : { kind: 'regex', pattern };
}

/** As it is written. */
export function tagPolicyText(policy: TagPolicy): string {
  if (policy.kind === 'same-tag') return 'same-tag';
  return policy.kind === 'semver' ? `semver:${policy.part}` : `regex:${policy.pattern}`;
}

/** Whether a list of the repository's tags is needed. */
export function needsTags(policy: TagPolicy, current: string): boolean {
  if (policy.kind === 'same-tag') return false;
  return policy.kind === 'regex' || parseVersionTag(current) !== undefined;
}

/** Of the newer tags so many are looked at: the newest may be too young, or not for this platform. */
const MOST_NEWER = 5;

/**
 * The tags that the policy allows, the newest first, the current one last: never an older one. Semantic versions keep
 * their `v`, their number of parts and what stands behind them (`-alpine`); a pre-release is taken only in the place of
 * another. What matches an expression is put in order by its numbers.
 */
export function allowedTags(current: string, tags: readonly string[], policy: TagPolicy): string[] {
  const usable = tags.filter((tag) => tag.length <= MOST_TAG_CHARACTERS);
  return [...newerTags(current, usable, policy), current];
}

function newerTags(current: string, tags: readonly string[], policy: TagPolicy): string[] {
  if (policy.kind === 'same-tag') return [];
  if (policy.kind === 'semver') return newerVersions(current, tags, policy.part);
  const matches = matcher(policy.pattern);
  if (matches === undefined) return [];
  return highest(
    tags.filter((tag) => matches(tag)),
    current,
    compareVersions,
  );
}

function newerVersions(
  current: string,
  tags: readonly string[],
  part: 'patch' | 'minor' | 'major',
): string[] {
  const now = parseVersionTag(current);
  if (now === undefined) return [];
  const versions = tags.flatMap((tag) => {
    const version = parseVersionTag(tag);
    return version !== undefined && isAllowed(now, version, part) ? [{ tag, version }] : [];
  });
  return highest(versions, { tag: current, version: now }, (left, right) =>
    comparePrecedence(left.version, right.version),
  ).map(({ tag }) => tag);
}

/** Those above a limit, the highest first, of equals one. Some of thousands: they are not put in order as a whole. */
function highest<Item>(
  items: readonly Item[],
  limit: Item,
  compare: (left: Item, right: Item) => number,
): Item[] {
  const found: Item[] = [];
  for (const item of items) {
    const lowest = found.length < MOST_NEWER ? limit : (found.at(-1) ?? limit);
    if (compare(item, lowest) <= 0) continue;
    const place = found.findIndex((one) => compare(item, one) >= 0);
    const at = place === -1 ? found.length : place;
    const before = found[at];
    if (before !== undefined && compare(item, before) === 0) continue;
    found.splice(at, 0, item);
    found.length = Math.min(found.length, MOST_NEWER);
  }
  return found;
}

function isAllowed(now: VersionTag, one: VersionTag, part: 'patch' | 'minor' | 'major'): boolean {
  const isAlike =
    one.prefix === now.prefix &&
    one.suffix === now.suffix &&
    one.numbers.length === now.numbers.length;
  if (!isAlike || isDate(one) !== isDate(now)) return false;
  if (one.preRelease.length > 0 && now.preRelease.length === 0) return false;
  const kept = { patch: 2, minor: 1, major: 0 }[part];
  return one.numbers.slice(0, kept).every((number, index) => number === now.numbers[index]);
}
