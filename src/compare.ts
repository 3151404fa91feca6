import { relative } from 'node:path';
import type { ComposeModel } from './core/compose-model.ts';
import { sameValue } from './core/canonical-json.ts';
import { compareModels, invalidComparison, type Comparison } from './core/comparison.ts';
import {
  buildPaths,
  definitionsChanged,
  isWithin,
  mergeContents,
  mountedPaths,
  type ContentsChange,
} from './core/contents.ts';
import { diffModels } from './core/diff.ts';
import { givenObjects, withDigests } from './core/given.ts';
import { own } from './core/own.ts';
import { openSideBySide, type Rendered, type Tree } from './host/side-by-side.ts';
import { differingFiles, type DifferingFiles } from './host/tree-contents.ts';

/** What compares them: the name of the project, the variables compose sees, what stops it. */
export interface CompareOptions {
  readonly projectName: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the compose projects of two trees as docker compose itself resolves them, as if both
 * lay at one and the same place. Asks no daemon and changes nothing.
 */
export async function compareTrees(
  old: Tree,
  now: Tree,
  { projectName, ...options }: CompareOptions,
): Promise<Comparison> {
  const side = await openSideBySide(projectName, options);
  try {
    const before = await side.render(old);
    const after = await side.render(now);
    const errors = [
      ...('error' in before ? [`old: ${before.error}`] : []),
      ...('error' in after ? [`new: ${after.error}`] : []),
    ];
    if ('error' in after) return invalidComparison('invalid-new', errors);
    if ('error' in before) return invalidComparison('invalid-old', errors);
    const pairs = servicesOnBothSides(before.model, after.model);
    const files = await differingContents({ old, now, place: side.place }, pairs, before, after);
    const contents = mergeContents([...files.found, ...otherwiseGiven(before, after)]);
    const comparison = compareModels(before.model, after.model, contents);
    const unreadable = files.unreadable.map(
      (path) => `${path} cannot be read by this user: what is in it was not compared`,
    );
    return { ...withoutPlace(comparison, side.place), errors: unreadable };
  } finally {
    await side.close();
  }
}

/** Paths as a person would write them, from the tree on: nobody knows the place. */
function withoutPlace(comparison: Comparison, place: string): Comparison {
  return JSON.parse(JSON.stringify(comparison).replaceAll(place, '.')) as Comparison;
}

/** Old and new name of each service that both sides have, renamed ones too. */
function servicesOnBothSides(before: ComposeModel, after: ComposeModel): [string, string][] {
  const kept = Object.keys(after.services).filter((name) => Object.hasOwn(before.services, name));
  const renamed = diffModels(before, after).flatMap((change): [string, string][] =>
    change.kind === 'renamed' ? [[change.from, change.service]] : [],
  );
  return [...kept.map((name): [string, string] => [name, name]), ...renamed];
}

interface Sides {
  readonly old: Tree;
  readonly now: Tree;
  readonly place: string;
}

/** By service of both sides: the files it mounts or is built from that differ. */
async function differingContents(
  { old, now, place }: Sides,
  pairs: readonly (readonly [string, string])[],
  before: Readable,
  after: Readable,
): Promise<{ found: ContentsChange[]; unreadable: readonly string[] }> {
  const found: ContentsChange[] = [];
  const seen = new Map<string, Promise<DifferingFiles>>();
  const differing = (source: string): Promise<DifferingFiles> => {
    const path = relative(place, source);
    const known = seen.get(path) ?? differingFiles(old.directory, now.directory, path);
    seen.set(path, known);
    return known;
  };
  const unreadable = new Set<string>();
  for (const [from, service] of pairs) {
    const sources = [...sourcesOf(before.model, from), ...sourcesOf(after.model, service)];
    const inside = [...new Set(sources)].filter((path) => isWithin(path, place));
    const answers = await Promise.all(inside.map(differing));
    const paths = answers.flatMap((answer) => answer.paths);
    for (const path of answers.flatMap((answer) => answer.unreadable)) unreadable.add(path);
    if (paths.length > 0) found.push({ service, paths: [...new Set(paths)].toSorted() });
  }
  return { found, unreadable: [...unreadable] };
}

function sourcesOf(model: ComposeModel, service: string): string[] {
  return [...mountedPaths(model, service), ...buildPaths(model, service)];
}

/** Services whose configs or secrets come from variables, where those have other values now. */
function otherwiseGiven(before: Readable, after: Readable): ContentsChange[] {
  const { model } = after;
  const fromVariables = givenObjects(model).filter(({ variable }) => variable !== undefined);
  const digestsOf = ({ given }: Readable): Readable['given']['digests'] =>
    fromVariables.map((object) => ({
      object,
      sha256: given.digests.find((one) => sameValue(one.object, object))?.sha256 ?? 'not set',
    }));
  const isKnown = ({ section, name }: (typeof fromVariables)[number]): boolean =>
    sameValue(own(before.model[section], name), own(model[section], name));
  const known = (side: Readable): Readable['given']['digests'] =>
    digestsOf(side).filter(({ object }) => isKnown(object));
  const [old, now] = [known(before), known(after)];
  return definitionsChanged(withDigests(model, old), withDigests(model, now)).filter(
    ({ service }) => Object.hasOwn(before.model.services, service),
  );
}

type Readable = Exclude<Rendered, { error: string }>;
