/** The grammar of OCI: a tag has no more. */
export const MOST_TAG_CHARACTERS = 128;

/** A tag that reads as a version: `v1.27.3-rc.1-alpine`. */
export interface VersionTag {
  /** `v` or nothing. */
  readonly prefix: string;
  /** Without zeros in front. */
  readonly numbers: readonly string[];
  /** `rc`, `1`; none of a release. */
  readonly preRelease: readonly string[];
  /** What stands behind it and says which kind: `-alpine`. */
  readonly suffix: string;
}

/**
 * By semver.org all that follows the first `-` is a pre-release; tags of images put their kind there (`-alpine`).
 * These words tell one from the other.
 */
const PRE_RELEASE =
  /^-((?:alpha|beta|rc|cr|pre|preview|prerelease|dev|snapshot|nightly|canary|next|milestone|m|a|b)\d*(?:\.[0-9a-z]+)*)(?=-|$)/i;

/** Undefined of what is no version: `latest`, `stable-alpine`. */
export function parseVersionTag(tag: string): VersionTag | undefined {
  if (tag.length > MOST_TAG_CHARACTERS) return undefined;
  const [whole = '', prefix = '', version = ''] = /^(v?)(\d+(?:\.\d+)*)/.exec(tag) ?? [];
  const rest = tag.slice(whole.length);
  if (version === '' || (rest !== '' && !rest.startsWith('-'))) return undefined;
  const [shown = '', preRelease = ''] = PRE_RELEASE.exec(rest) ?? [];
  return {
    prefix,
    numbers: version.split('.').map(withoutZeros),
    preRelease: preRelease === '' ? [] : preRelease.split('.'),
    suffix: rest.slice(shown.length),
  };
}

/** A day (`20260131`) or a build number in the place of a version: the next of a `16` it is not. */
export function isDate({ numbers }: VersionTag): boolean {
  return (numbers[0] ?? '').length >= 6;
}

/**
 * Precedence as semver.org has it; `rc2` comes before `rc10`, which it has only for `rc.2` and `rc.10`.
 *
 * @returns less than 0 where the left one is older
 */
export function comparePrecedence(left: VersionTag, right: VersionTag): number {
  const byNumbers = compareLists(left.numbers, right.numbers, compareNumbers);
  if (byNumbers !== 0) return byNumbers;
  if (left.preRelease.length === 0 || right.preRelease.length === 0) {
    return right.preRelease.length - left.preRelease.length;
  }
  return compareLists(left.preRelease, right.preRelease, compareIdentifiers);
}

function compareIdentifiers(left: string, right: string): number {
  const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1;
  return compareParts(left, right);
}

/** Order of any texts by the numbers in them, a pre-release before its release: `1.2-rc1`, `1.2`, `1.10`. */
export function compareVersions(left: string, right: string): number {
  return compareParts(sortable(left), sortable(right));
}

/** `~` sorts before the end, as in versions of Debian. */
function sortable(tag: string): string {
  return tag
    .replace(/^v(?=\d)/, '')
    .replaceAll(/[-._]?(alpha|beta|rc|pre|dev|snapshot|nightly|canary)(?![a-z])/gi, '~$1');
}

function compareParts(left: string, right: string): number {
  return compareLists(partsOf(left), partsOf(right), (one, other) => {
    const [isNumber, isOtherNumber] = [/^\d/.test(one), /^\d/.test(other)];
    if (isNumber && isOtherNumber) return compareNumbers(one, other);
    return compareTexts(one, other);
  });
}

/** Numbers, single characters beside them. */
function partsOf(text: string): string[] {
  return text.match(/\d+|\D/g) ?? [];
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  if (left === '~') return -1;
  if (right === '~') return 1;
  return left < right ? -1 : 1;
}

/** Of any length: nobody promises that they fit into a number. */
function compareNumbers(left: string, right: string): number {
  const [one, other] = [withoutZeros(left), withoutZeros(right)];
  if (one.length !== other.length) return one.length - other.length;
  return one === other ? 0 : one < other ? -1 : 1;
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '');
}

/** The longer one comes after, unless it goes on with what sorts before an end. */
function compareLists(
  left: readonly string[],
  right: readonly string[],
  compare: (one: string, other: string) => number,
): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index += 1) {
    const order = compare(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }
  if (left[shared] === '~') return -1;
  return right[shared] === '~' ? 1 : left.length - right.length;
}
