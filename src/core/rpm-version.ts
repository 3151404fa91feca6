/**
 * Compares versions of packages (`3:28.5.2-1.el9`) as rpm does: less than 0 where the left one is older.
 *
 * By epoch, version and release; each of these by its runs of digits (as numbers) and of letters. Whatever is between
 * these separates only, but for `~`, which makes a version older than what is before it, and `^`, which makes it newer.
 */
export function compareRpmVersions(left: string, right: string): number {
  const [ofLeft, ofRight] = [partsIn(left), partsIn(right)];
  return (
    ofLeft.epoch - ofRight.epoch ||
    compareParts(ofLeft.version, ofRight.version) ||
    compareParts(ofLeft.release, ofRight.release)
  );
}

function partsIn(text: string): { epoch: number; version: string; release: string } {
  const [, epoch = '0', version = '', release = ''] =
    /^(?:(\d+):)?([^-]*)(?:-(.*))?$/.exec(text) ?? [];
  return { epoch: Number(epoch), version, release };
}

/** What of a version counts, in its order. */
const RUNS = /\d+|[a-z]+|[~^]/gi;

function compareParts(left: string, right: string): number {
  const ofLeft: readonly string[] = left.match(RUNS) ?? [];
  const ofRight: readonly string[] = right.match(RUNS) ?? [];
  const length = Math.max(ofLeft.length, ofRight.length);
  for (let at = 0; at < length; at++) {
    const order = compareRuns(ofLeft[at], ofRight[at]);
    if (order !== 0) return order;
  }
  return 0;
}

/** `~` is before the end, the end before `^`, that before letters, and those before numbers. */
function rankOf(run: string | undefined): number {
  if (run === undefined) return 1;
  if (run === '~') return 0;
  if (run === '^') return 2;
  return /^\d/.test(run) ? 4 : 3;
}

function compareRuns(left: string | undefined, right: string | undefined): number {
  const byRank = rankOf(left) - rankOf(right);
  if (byRank !== 0 || left === undefined || right === undefined) return byRank;
  const byNumber = rankOf(left) === 4 ? Math.sign(Number(BigInt(left) - BigInt(right))) : 0;
  return byNumber || (rankOf(left) === 4 || left === right ? 0 : left < right ? -1 : 1);
}
