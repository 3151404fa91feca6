import { Parser, type Result } from 'tap-parser';
import { stringify } from 'yaml';

/** How many assertions ended how. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly todo: number;
}

export interface Failure {
  /** The test file, the subtests and the assertion, from the outside in. */
  readonly name: string;
  readonly details: string;
}

export interface TapResults {
  readonly count: Count;
  readonly failures: readonly Failure[];
}

export const nothing: Count = { passed: 0, failed: 0, skipped: 0, todo: 0 };

/** What is counted so far of one TAP stream, and where to write more of it. */
export interface TapCounter {
  readonly write: (chunk: string) => void;
  /** Call it when the stream has ended. */
  readonly end: () => TapResults;
}

/**
 * Counts the assertions of a TAP stream as it comes, and not the lines that sum up subtests, unless
 * such a line fails and nothing in the subtest does: a time-out, a crash, an exit code, a wrong plan.
 *
 * @param onFile is told of each test file (the outermost subtests) when it has ended
 */
export function countTap(onFile: (result: Result, count: Count) => void): TapCounter {
  let count = nothing;
  const failures: Failure[] = [];
  const fail = (name: string, details: string): void => {
    count = { ...count, failed: count.failed + 1 };
    failures.push({ name, details });
  };

  const listen = (parser: Parser, path: readonly string[]): void => {
    let before = count;
    parser.on('child', (child: Parser) => {
      before = count;
      listen(child, [...path, child.name]);
    });
    parser.on('assert', (result: Result) => {
      const saysMore =
        (!result.ok && count.failed === before.failed) || (result.skip && count === before);
      if (!result.closingTestPoint || saysMore) take(result, path);
      if (path.length === 0) onFile(result, subtract(count, before));
    });
  };

  const take = (result: Result, path: readonly string[]): void => {
    if (result.skip) count = { ...count, skipped: count.skipped + 1 };
    else if (result.todo) count = { ...count, todo: count.todo + 1 };
    else if (result.ok) count = { ...count, passed: count.passed + 1 };
    else fail([...path, result.name].join(' > '), detailsOf(result));
  };

  const parser = new Parser();
  listen(parser, []);
  return {
    write: (chunk) => void parser.write(chunk),
    end: () => {
      parser.end();
      const { bailout } = parser.results ?? { bailout: 'the output of tap ended early' };
      if (bailout !== false) fail('bail out', String(bailout));
      return { count, failures };
    },
  };
}

export function add(left: Count, right: Count): Count {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
    todo: left.todo + right.todo,
  };
}

function subtract(left: Count, right: Count): Count {
  return {
    passed: left.passed - right.passed,
    failed: left.failed - right.failed,
    skipped: left.skipped - right.skipped,
    todo: left.todo - right.todo,
  };
}

/** `12 passed, 0 failed`, and only where there are some: `, 2 skipped, 1 todo`. */
export function countText({ passed, failed, skipped, todo }: Count): string {
  return `${passed} passed, ${failed} failed${some(skipped, 'skipped')}${some(todo, 'todo')}`;
}

function some(number: number, word: string): string {
  return number > 0 ? `, ${number} ${word}` : '';
}

/** What tap says about the failure; a whole journal in it would bury the rest. */
function detailsOf({ diag, tapError }: Result): string {
  const most = 60;
  const text = [tapError ?? '', diag === null ? '' : stringify(diag, { lineWidth: 0 })].join('\n');
  const lines = text.trim().split('\n');
  const more = lines.length > most ? [`… ${lines.length - most} more lines`] : [];
  return [...lines.slice(0, most), ...more].join('\n');
}
