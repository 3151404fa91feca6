import { digestOf } from './core/image-reference.ts';
import { own } from './core/own.ts';
import type { Plan } from './core/plan.ts';
import type { Proposal } from './detect.ts';
import type { Host } from './host/host.ts';

/**
 * The plan with the digest of every image that its release names and does not build: what its registry has under
 * the reference now, of one that will be pulled; what this host has, of the others.
 */
export async function withDigests(host: Host, proposal: Proposal): Promise<Plan> {
  const pulled = new Set(
    proposal.plan.prepare.flatMap((step) => (step.do === 'pull' ? step.images : [])),
  );
  const moved = new Map(proposal.plan.moved?.map((one) => [one.reference, one.digest]));
  return learn(proposal, async (reference) => {
    const known = moved.get(reference);
    if (known !== undefined) return known;
    return pulled.has(reference)
      ? remoteDigest(host, proposal, reference)
      : localDigest(host, reference, undefined);
  });
}

/**
 * The same once all images are here.
 *
 * @param expected what they are to be
 */
export async function withDigestsHere(
  host: Host,
  proposal: Proposal,
  expected: Readonly<Record<string, string>>,
): Promise<Plan> {
  return learn(proposal, (reference) => localDigest(host, reference, own(expected, reference)));
}

async function learn(
  { plan, newModel }: Proposal,
  digest: (reference: string) => Promise<string>,
): Promise<Plan> {
  const named = Object.values(newModel.services).flatMap(({ image, build }) =>
    image === undefined || build !== undefined ? [] : [image],
  );
  const references = [...new Set(named)].toSorted();
  const digests = await Promise.all(references.map(digest));
  return {
    ...plan,
    digests: Object.fromEntries(references.map((one, index) => [one, digests[index] ?? ''])),
  };
}

/** A registry that does not answer is heard of when it is pulled from. */
async function remoteDigest(
  host: Host,
  { remoteImages, engine }: Proposal,
  reference: string,
): Promise<string> {
  const asked = remoteImages.get(reference) ?? host.engine.remoteImage(reference, engine);
  return (await asked.catch(() => undefined))?.digest ?? '';
}

async function localDigest(
  host: Host,
  reference: string,
  expected: string | undefined,
): Promise<string> {
  const facts = await host.engine.imageFacts(reference);
  return facts === undefined ? '' : digestOf(reference, facts, expected);
}
