import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { chosenImages, type MovedImage } from './core/moved-image.ts';
import type { Plan } from './core/plan.ts';
import type { Problem } from './core/preflight.ts';
import { currentCommit, proposeSafely, type Proposal } from './detect.ts';
import { withDigests } from './digests.ts';
import { withEffects } from './effect.ts';
import type { Host } from './host/host.ts';
import { newerImages } from './follow-images.ts';
import { short } from './outcome.ts';
import { preflight } from './preflight.ts';
import { readDeployed } from './records.ts';
import { resolveRelease, type Release } from './release.ts';

/**
 * The plan of a run, without carrying it out: also where there is nothing to do, for its drift. With its effects
 * and digests: it can be told from any other.
 */
export async function planUpdate(
  host: Host,
  config: Config,
  options: { readonly force: boolean },
): Promise<{ plan: Plan; problems: readonly Problem[]; model: ComposeModel }> {
  const from = await currentCommit(host, await readDeployed(host.state));
  // A person waits: what runs is resolved while the remote is asked.
  const old = resolveRelease(host, from);
  old.catch(() => {});
  try {
    const tip = await host.git.fetch();
    const id = transactionName(host.now(), tip);
    // What was not here before the remote was asked may be now.
    const again = old.catch(() => resolveRelease(host, from));
    const isThere = from === tip && !options.force;
    const moved = isThere ? await movedImages(host, config, (await again).model) : [];
    const goal = { from, to: tip, ...(moved.length > 0 ? { moved } : {}) };
    const wish = { ...goal, id, force: options.force };
    const proposal = await proposeUpdate(host, config, wish, again);
    const [plan, { problems, warnings }] = await Promise.all([
      withEffects(host, proposal).then((known) => withDigests(host, known)),
      preflight(host, config, proposal),
    ]);
    return {
      plan: { ...plan, warnings: [...plan.warnings, ...warnings] },
      problems,
      model: proposal.newModel,
    };
  } finally {
    await old.catch(() => {});
    await host.git.dropStagings();
  }
}

/** What a run would bring of images, where the branch is where the host is. */
async function movedImages(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<readonly MovedImage[]> {
  if (config.images.mode !== 'builtin') return [];
  const { moved, failed } = await newerImages(host, config, model);
  for (const one of failed) host.log.warn(`it is not known whether an image moved: ${one}`);
  return moved;
}

/** What a run brings: another commit, or at the same one the images that moved. */
export interface Goal {
  readonly from: string;
  readonly to: string;
  readonly moved?: readonly MovedImage[];
}

/** Proposes to go from one commit to another; `force` takes everything anew, and goes to any commit. */
export async function proposeUpdate(
  host: Host,
  config: Config,
  { from, to, moved, id, force }: Goal & { readonly id: string; readonly force: boolean },
  old?: Promise<Release>,
): Promise<Proposal> {
  const wish = {
    kind: 'update',
    from,
    to,
    name: id,
    backup: transactionName(host.now(), from),
    everything: force,
    allowRewind: force,
    ...(moved === undefined ? {} : { moved, images: chosenImages(moved) }),
  } as const;
  host.progress(`comparing ${short(from)} with ${short(to)}`);
  return proposeSafely(host, config, wish, old);
}

/** UTC time and short commit: names a transaction or a backup, and sorts by time. */
export function transactionName(at: Date, commit: string): string {
  return `${at.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '')}-${commit.slice(0, 8)}`;
}
