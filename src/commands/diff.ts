import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { styleText } from 'node:util';
import type { Invocation } from '../command-table.ts';
import { compareTrees } from '../compare.ts';
import { sections } from '../core/diff.ts';
import type { Comparison } from '../core/comparison.ts';
import { printableText } from '../core/secrets.ts';
import { InterruptedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { CommitTrees } from '../host/commit-trees.ts';
import type { Tree } from '../host/side-by-side.ts';
import { listenForStop } from '../host/stop.ts';
import { outliveReaders } from '../host/terminal.ts';

/** As docker compose has it. */
const PROJECT_NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** `diff OLD NEW`: what docker compose makes of each, compared. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [old, now] = invocation.positionals;
  if (old === undefined || now === undefined) {
    throw new UsageError(
      'two directories or commits are needed',
      'orchestrator-update diff --help',
    );
  }
  const files = relativeFiles(invocation.flags['file'], '--file');
  const newFiles = relativeFiles(invocation.flags['new-file'], '--new-file');
  const projectName = projectNameOf(invocation.flags['project-name']);
  // What was laid out is removed also when a person loses patience.
  const stop = listenForStop(() => {});
  outliveReaders();
  let commits: CommitTrees | undefined;
  const open = async (name: string, names: readonly string[]): Promise<Tree> => {
    const directory = resolve(name);
    if (await isDirectory(name)) {
      return { name, prefix: `${directory}/`, directory, projectPath: '', files: names };
    }
    if (!commits) {
      // Two directories need nothing of git.
      const { openCommitTrees } = await import('../host/commit-trees.ts');
      commits = await openCommitTrees(process.cwd(), name);
    }
    return { ...(await commits.open(name)), files: names };
  };
  try {
    const comparison = await compareTrees(
      await open(old, files),
      await open(now, newFiles.length > 0 ? newFiles : files),
      { projectName, environment: invocation.environment, signal: stop.signal() },
    );
    print(invocation.json ? JSON.stringify(comparison, undefined, 2) : textOf(comparison));
    return comparison.verdict === 'invalid-new' ? exitCodes.usage : exitCodes.done;
  } catch (error) {
    const signal = stop.requestedBy();
    throw signal === undefined ? error : new InterruptedError(signal);
  } finally {
    await commits?.close();
  }
}

function projectNameOf(flag: Invocation['flags'][string]): string {
  const name = String(flag ?? 'project');
  if (PROJECT_NAME.test(name)) return name;
  throw new UsageError(
    `--project-name ${name}: lower-case letters, digits, - and _ are expected`,
    'orchestrator-update diff --help',
  );
}

/** Files are of both sides, so they cannot be named by where one of them lies. */
function relativeFiles(flag: Invocation['flags'][string], name: string): readonly string[] {
  const files = listOf(flag);
  const absolute = files.find((file) => file.startsWith('/'));
  if (absolute === undefined) return files;
  throw new UsageError(
    `${name} ${absolute}: a path relative to OLD and NEW is expected (for a commit: to the root of the repository)`,
    'orchestrator-update diff --help',
  );
}

function listOf(flag: Invocation['flags'][string]): readonly string[] {
  return Array.isArray(flag) ? (flag as readonly string[]) : [];
}

/** @throws {UsageError} when it is there and no directory */
async function isDirectory(path: string): Promise<boolean> {
  if (path === '') throw new UsageError('an empty word is neither a directory nor a commit');
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw new UsageError(
    `${path} is a file; OLD and NEW are directories that hold compose projects, or commits`,
    `orchestrator-update diff OLD NEW --file ${basename(path)}`,
  );
}

/** One line a difference: `+` is new, `-` is gone, `~` is another. */
function textOf(comparison: Comparison): string {
  const { services } = comparison;
  const lines = [
    ...services.added.map((name) => added(`service ${name}`)),
    ...services.removed.map((name) => removed(`service ${name}`)),
    ...services.renamed.map(({ from, to }) => changed(`service ${from} is now called ${to}`)),
    ...services.imageOnly.flatMap((name) => [
      changed(`service ${name}: image`),
      ...valueLines(comparison, name),
    ]),
    ...Object.entries(services.changed).flatMap(([name, fields]) => [
      changed(`service ${name}: ${fields.join(', ')}`),
      ...valueLines(comparison, name),
    ]),
    ...sections.flatMap((section) => [
      ...comparison[section].added.map((name) => added(`${section} ${name}`)),
      ...comparison[section].removed.map((name) => removed(`${section} ${name}`)),
      ...comparison[section].changed.map((name) => changed(`${section} ${name}`)),
    ]),
    ...Object.entries(comparison.contents).map(([name, paths]) =>
      changed(`service ${name} reads files that differ: ${paths.join(', ')}`),
    ),
    ...comparison.errors.map((error) => styleText('red', `! ${error}`)),
  ];
  const isInvalid = comparison.verdict.startsWith('invalid');
  const next = isInvalid ? ['next: docker compose config    # there, until it reads it'] : [];
  return [styleText('bold', comparison.verdict), ...lines, ...next].join('\n');
}

function valueLines({ values }: Comparison, service: string): string[] {
  return (values[service] ?? []).map(
    ({ path, from = '(none)', to = '(none)' }) =>
      `    ${printableText(path)}: ${printableText(from)} → ${printableText(to)}`,
  );
}

const added = (text: string): string => styleText('green', `+ ${text}`);
const removed = (text: string): string => styleText('red', `- ${text}`);
const changed = (text: string): string => styleText('yellow', `~ ${text}`);

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
