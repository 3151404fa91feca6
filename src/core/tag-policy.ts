import { matcher, type TagPattern } from './tag-pattern.ts';
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

/**
 * The newest tag that the policy allows, never an older one than the current: that one itself where there is no
 * better. Semantic versions keep their `v`, their number of parts and what stands behind them (`-alpine`); a
 * pre-release is taken only in the place of another. What matches an expression is put in order by its numbers.
 */
export function newestTag(current: string, tags: readonly string[], policy: TagPolicy): string {
  const usable = tags.filter((tag) => tag.length <= MOST_TAG_CHARACTERS);
  if (policy.kind === 'same-tag') return current;
  if (policy.kind === 'semver') return newestVersion(current, usable, policy.part);
  const pattern = matcher(policy.pattern);
  return pattern === undefined ? current : newestMatch(current, usable, pattern);
}

function newestVersion(
  current: string,
  tags: readonly string[],
  part: 'patch' | 'minor' | 'major',
): string {
  const now = parseVersionTag(current);
  if (now === undefined) return current;
  let best = now;
  let name = current;
  for (const tag of tags) {
    const one = parseVersionTag(tag);
    if (one === undefined || !isAllowed(now, one, part)) continue;
    if (comparePrecedence(one, best) <= 0) continue;
    best = one;
    name = tag;
  }
  return name;
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

function newestMatch(current: string, tags: readonly string[], matches: TagPattern): string {
  return tags
    .filter((tag) => matches(tag))
    .reduce((best, tag) => (compareVersions(tag, best) > 0 ? tag : best), current);
}
