import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { styleText } from 'node:util';
import type { Invocation } from '../cli.ts';
import { compareTrees } from '../compare.ts';
import { sections } from '../core/diff.ts';
import type { Comparison } from '../core/comparison.ts';
import { UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { openCommitTrees, type CommitTrees } from '../host/commit-trees.ts';
import type { Tree } from '../host/side-by-side.ts';

/** `diff OLD NEW`: what docker compose makes of each, compared. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [old, now] = invocation.positionals;
  if (old === undefined || now === undefined) {
    throw new UsageError(
      'two directories or commits are needed',
      'orchestrator-update diff --help',
    );
  }
  const files = listOf(invocation.flags['file']);
  const newFiles = listOf(invocation.flags['new-file']);
  const projectName = String(invocation.flags['project-name'] ?? 'project');
  let commits: CommitTrees | undefined;
  const open = async (name: string, names: readonly string[]): Promise<Tree> => {
    const directory = resolve(name);
    if (await isDirectory(directory)) return { directory, projectPath: '', files: names };
    commits ??= await openCommitTrees(process.cwd());
    return { ...(await commits.open(name)), files: names };
  };
  try {
    const comparison = await compareTrees(
      await open(old, files),
      await open(now, newFiles.length > 0 ? newFiles : files),
      { projectName, environment: invocation.environment },
    );
    print(invocation.json ? JSON.stringify(comparison, undefined, 2) : textOf(comparison));
    return comparison.verdict === 'invalid-new' ? exitCodes.usage : exitCodes.done;
  } finally {
    await commits?.close();
  }
}

function listOf(flag: Invocation['flags'][string]): readonly string[] {
  return Array.isArray(flag) ? (flag as readonly string[]) : [];
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
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
  return [styleText('bold', comparison.verdict), ...lines].join('\n');
}

function valueLines({ values }: Comparison, service: string): string[] {
  return (values[service] ?? []).map(
    ({ path, from = '(none)', to = '(none)' }) => `    ${path}: ${from} → ${to}`,
  );
}

const added = (text: string): string => styleText('green', `+ ${text}`);
const removed = (text: string): string => styleText('red', `- ${text}`);
const changed = (text: string): string => styleText('yellow', `~ ${text}`);

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
