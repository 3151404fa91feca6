import type { Config } from './config/schema.ts';
import { canonicalReference, parseImageReference } from './core/image-reference.ts';
import { imagesOf, pullableDigest, type MovedImage } from './core/moved-image.ts';
import { keptImages, type KeptImage, type Plan } from './core/plan.ts';
import { KEPT } from './core/plan-steps.ts';
import type { Host } from './host/host.ts';
import { readReplacedImages, writeReplacedImages, type ReplacedImage } from './image-records.ts';
import { readTransactions } from './records.ts';

/**
 * Removes images that newer ones took the place of, but for the last of each: `images.keep_previous`. Only such as a
 * registry gives back, that nobody has given another name, and that no container uses; Docker refuses the rest.
 */
export async function pruneReplaced(host: Host, config: Config, plan: Plan): Promise<void> {
  const names = imagesOf(plan);
  if (names.length === 0) return;
  const used = new Set((await host.engine.containers()).map(({ imageId }) => imageId));
  const kept: ReplacedImage[] = [];
  for (const image of await replacedImages(host, plan, names)) {
    const isSame = ({ reference }: ReplacedImage): boolean =>
      nameOf(reference) === nameOf(image.reference);
    const isKept = used.has(image.id) || kept.filter(isSame).length < config.images.keep_previous;
    if (isKept || (await isNeeded(host, image))) kept.push(image);
    else await removeImage(host, image);
  }
  await writeReplacedImages(host.state, kept);
}

const nameOf = (reference: string): string =>
  parseImageReference(canonicalReference(reference)).name;

/** Newest first: what is replaced now, and what was before. What a compose file goes on naming stays. */
async function replacedImages(
  host: Host,
  plan: Plan,
  names: readonly string[],
): Promise<ReplacedImage[]> {
  const at = host.now().toISOString();
  const repositories = new Set(names.map(nameOf));
  const declared = new Set(Object.values(plan.pins?.to ?? {}).map((pin) => pin.declared));
  const now = keptImages(plan)
    .filter(({ reference }) => repositories.has(nameOf(reference)) && !declared.has(reference))
    .map(({ reference, id }) => ({ reference, id, at }));
  const all = [...now, ...(await readReplacedImages(host.state))];
  return all.filter(({ id }, index) => all.findIndex((one) => one.id === id) === index);
}

/** What failed is not needed any more: pulled again where somebody asks for it. What has a name here stays. */
export async function dropFailed(host: Host, moved: readonly MovedImage[]): Promise<void> {
  const used = new Set((await host.engine.containers()).map(({ imageId }) => imageId));
  for (const exact of moved.map(pullableDigest)) {
    const facts = await host.engine.imageFacts(exact);
    if (facts === undefined || used.has(facts.id) || facts.tags.length > 0) continue;
    await host.engine.dropImage(exact);
  }
}

/** For a rollback by hand to an earlier release. */
async function isNeeded(host: Host, { id }: ReplacedImage): Promise<boolean> {
  const { tags = [] } = (await host.engine.imageFacts(id)) ?? {};
  return tags.some((tag) => tag.startsWith(`${KEPT}:`));
}

/** A name that somebody else gave it keeps it. Without its name it is removed by the digest its registry knows. */
async function removeImage(host: Host, { reference, id }: ReplacedImage): Promise<void> {
  const facts = await host.engine.imageFacts(id);
  if (facts === undefined || facts.digests.length === 0) return;
  const isIt = (name: string): boolean =>
    canonicalReference(name) === canonicalReference(reference);
  if (!facts.tags.every(isIt)) return;
  const digests = facts.digests.filter((one) => nameOf(one) === nameOf(reference));
  for (const name of [...facts.tags, ...digests]) await host.engine.dropImage(name);
  host.log.info(`old image removed: ${reference} ${id.slice(0, 19)}`);
}

/** The tags that a rollback by hand needs: of this transaction, and of the one that brought its commit. */
export async function tagsToKeep(host: Host, plan: Plan): Promise<string[]> {
  const coming =
    plan.from !== plan.to
      ? undefined
      : (await readTransactions(host.state)).find(
          ({ plan: one, entries }) =>
            one.to === plan.to && one.from !== one.to && entries.at(-1)?.state === 'COMMITTED',
        );
  const images: KeptImage[] = [...keptImages(plan), ...(coming ? keptImages(coming.plan) : [])];
  return images.map(({ tag }) => tag);
}

/** The images that a transaction kept, and this host still has, with the tags they were kept by. */
export async function stillKept(host: Host, plan: Plan): Promise<readonly KeptImage[]> {
  const there = await Promise.all(
    keptImages(plan).map(async (image) => {
      if ((await host.engine.imageId(image.tag)) !== undefined) return [image];
      if (plan.moved === undefined || (await host.engine.imageFacts(image.id)) === undefined)
        return [];
      await host.engine.tag(image.id, image.tag);
      return [image];
    }),
  );
  return there.flat();
}
