import { relative } from 'node:path';
import type { ComposeModel } from './core/compose-model.ts';
import { sameValue } from './core/canonical-json.ts';
import { compareModels, invalidComparison, type Comparison } from './core/comparison.ts';
import {
  buildContext,
  definitionsChanged,
  isWithin,
  mergeContents,
  mountedPaths,
  type ContentsChange,
} from './core/contents.ts';
import { withDigests } from './core/given.ts';
import { openSideBySide, type Rendered, type Tree } from './host/side-by-side.ts';
import { differingFiles } from './host/tree-contents.ts';

/** What compares them: the name of the project, and the environment variables compose sees. */
export interface CompareOptions {
  readonly projectName: string;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Compares the compose projects of two trees as docker compose itself resolves them, as if both
 * lay at one and the same place. Asks no daemon and changes nothing.
 */
export async function compareTrees(
  old: Tree,
  now: Tree,
  { projectName, environment }: CompareOptions,
): Promise<Comparison> {
  const side = await openSideBySide(projectName, environment);
  try {
    const before = await side.render(old);
    const after = await side.render(now);
    const errors = [
      ...('error' in before ? [`old: ${before.error}`] : []),
      ...('error' in after ? [`new: ${after.error}`] : []),
    ];
    if ('error' in after) return invalidComparison('invalid-new', errors);
    if ('error' in before) return invalidComparison('invalid-old', errors);
    const files = await differingContents(old, now, side.place, before.model, after.model);
    const contents = mergeContents([...files, ...otherwiseGiven(before, after)]);
    const readable = (model: ComposeModel): ComposeModel => withoutPlace(model, side.place);
    return compareModels(readable(before.model), readable(after.model), contents);
  } finally {
    await side.close();
  }
}

/** Services whose configs or secrets come from variables, where those have other values now. */
function otherwiseGiven(before: Readable, after: Readable): ContentsChange[] {
  const now = after.given.digests.filter(({ object }) => object.variable !== undefined);
  const old = before.given.digests.filter(({ object }) =>
    now.some((one) => sameValue(one.object, object)),
  );
  const { model } = after;
  return definitionsChanged(withDigests(model, old), withDigests(model, now)).filter(
    ({ service }) => Object.hasOwn(before.model.services, service),
  );
}

type Readable = Exclude<Rendered, { error: string }>;

/** Paths as a person would write them, from the tree on: nobody knows the place. */
function withoutPlace(model: ComposeModel, place: string): ComposeModel {
  return JSON.parse(JSON.stringify(model).replaceAll(place, '.')) as ComposeModel;
}

/** By service of both sides: the files it mounts or is built from that differ. */
async function differingContents(
  old: Tree,
  now: Tree,
  place: string,
  before: ComposeModel,
  after: ComposeModel,
): Promise<ContentsChange[]> {
  const found: ContentsChange[] = [];
  const seen = new Map<string, Promise<string[]>>();
  const differing = (source: string): Promise<string[]> => {
    const path = relative(place, source);
    const known = seen.get(path) ?? differingFiles(old.directory, now.directory, path);
    seen.set(path, known);
    return known;
  };
  for (const service of Object.keys(after.services).filter((name) =>
    Object.hasOwn(before.services, name),
  )) {
    const sources = [before, after].flatMap((model) => sourcesOf(model, service));
    const inside = [...new Set(sources)].filter((path) => isWithin(path, place));
    const paths = (await Promise.all(inside.map(differing))).flat();
    if (paths.length > 0) found.push({ service, paths: [...new Set(paths)].toSorted() });
  }
  return found;
}

function sourcesOf(model: ComposeModel, service: string): string[] {
  return [...mountedPaths(model, service), buildContext(model, service) ?? []].flat();
}
