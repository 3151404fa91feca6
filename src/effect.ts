import { createHash } from 'node:crypto';
import { canonicalJson } from './core/canonical-json.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { buildPaths, isWithin, mountedPaths } from './core/contents.ts';
import type { Effect } from './core/effect.ts';
import type { RemoteImage } from './core/preflight.ts';
import type { Proposal } from './detect.ts';
import type { Host } from './host/host.ts';

/** The proposal with what both releases do to this host; only who may apply it needs to know. */
export async function withEffects(host: Host, proposal: Proposal): Promise<Proposal> {
  const { plan, oldModel, newModel, remoteImages } = proposal;
  const [from, to] = await Promise.all([
    effectOf(host, plan.from, oldModel),
    effectOf(host, plan.to, newModel, remoteImages),
  ]);
  const moved = (plan.moved ?? []).map(({ reference, digest }) => [reference, digest] as const);
  const images = { ...to.images, ...Object.fromEntries(moved) };
  return { ...proposal, plan: { ...plan, effects: { from, to: { ...to, images } } } };
}

/** Learns what a release does; `images` are those that it brings. */
async function effectOf(
  host: Host,
  commit: string,
  model: ComposeModel,
  images: ReadonlyMap<string, Promise<RemoteImage>> = new Map(),
): Promise<Effect> {
  const live = host.git.directory;
  const read = Object.keys(model.services)
    .flatMap((name) => [...mountedPaths(model, name), ...buildPaths(model, name)])
    .filter((path) => isWithin(path, live))
    .map((path) => path.slice(live.length + 1));
  const files = await host.git.contentIds(commit, [...new Set(read)].toSorted());
  const digests: Record<string, string> = {};
  for (const [reference, answer] of images) {
    const found = await answer.catch(() => undefined);
    if (found?.digest !== undefined) digests[reference] = found.digest;
  }
  const contents = createHash('sha256')
    .update(canonicalJson([model, files]))
    .digest('hex');
  return { contents, images: digests };
}
