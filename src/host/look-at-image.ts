import type { Found, ImageAnswer, ImageQuestion } from '../core/image-look.ts';
import { parseImageReference } from '../core/image-reference.ts';
import {
  instanceFor,
  parsePlatform,
  platformsText,
  platformText,
  type Platform,
} from '../core/manifest.ts';
import { isoOf, millisecondsOf } from '../core/moment.ts';
import { own } from '../core/own.ts';
import { repositoryOf, type Repository } from '../core/registry.ts';
import { findingKey, type Finding } from '../core/registry-memory.ts';
import { allowedTags, needsTags } from '../core/tag-policy.ts';
import { isFrom, knownOrigin, noteShown, type OriginParts } from './image-origin.ts';
import type { LocalImage } from './local-image.ts';
import { LookError } from './registry-failure.ts';
import type { RegistryImages } from './registry-images.ts';

/** What a look is made with. */
export interface LookParts extends OriginParts {
  readonly images: RegistryImages;
  /** What looks before this one found out, by `findingKey`. */
  readonly before: Readonly<Record<string, Finding>>;
  /** What this one does. */
  readonly findings: Record<string, Finding>;
  /** Of this host: `linux/amd64`. */
  readonly platform: string;
}

/**
 * What the registry has for one question. The digest of the tag says it where it is known here, or was looked into
 * before; else the instance of this platform is compared.
 *
 * @throws {LookError} where there is no answer
 */
export async function lookAt(
  parts: LookParts,
  question: ImageQuestion,
  local: LocalImage | undefined,
): Promise<ImageAnswer> {
  if (local?.digests.length === 0) return { verdict: 'local' };
  const repository = repositoryOf(question.reference);
  const foreign = {
    verdict: 'local',
    why: `${repository.registry} does not have it under ${repository.path}`,
  } as const;
  if (local !== undefined && knownOrigin(parts, repository, local) === false) return foreign;
  try {
    const answer = await lookThere(parts, question, repository, local);
    return answer ?? foreign;
  } catch (error) {
    const isAbsent = error instanceof LookError && error.kind === 'absent';
    if (isAbsent && local && !(await isFrom(parts, repository, local))) return foreign;
    throw error;
  }
}

/**
 * The first of the allowed tags, the newest first, that may be taken now; where there is none, what is to be said of the
 * newest. Undefined where what runs is none of the repository's: what is there may be anybody's.
 */
async function lookThere(
  parts: LookParts,
  question: ImageQuestion,
  repository: Repository,
  local: LocalImage | undefined,
): Promise<ImageAnswer | undefined> {
  const { tag: current = 'latest' } = parseImageReference(question.reference);
  const passed: ImageAnswer[] = [];
  let absent: LookError | undefined;
  for (const tag of await tagsFor(parts, question, repository, current)) {
    const answer = await lookAtTag(parts, question, { repository, tag, current }, local).catch(
      (error: unknown) => {
        if (!(error instanceof LookError) || error.kind !== 'absent') throw error;
        absent ??= error;
        return 'absent' as const;
      },
    );
    if (answer === undefined) return undefined;
    if (answer === 'absent') continue;
    passed.push(answer);
    // What is older than what runs is not looked at.
    if (answer.verdict === 'same') break;
    if (answer.verdict === 'moved' && !isRefused(question, answer)) return answer;
  }
  return bestOf(passed, question, absent);
}

/** @throws {LookError} where nothing was there */
function bestOf(
  passed: readonly ImageAnswer[],
  question: ImageQuestion,
  absent: LookError | undefined,
): ImageAnswer {
  const waiting = passed.find((one) => one.verdict === 'waiting' && !isRefused(question, one));
  const best = waiting ?? passed[0];
  if (best === undefined) throw absent ?? new Error('no tag was looked at');
  if (best.verdict !== 'same' || absent === undefined) return best;
  return { ...best, note: best.note ?? absent.message };
}

function isRefused({ reference, refused = [] }: ImageQuestion, answer: ImageAnswer): boolean {
  if (answer.verdict !== 'moved' && answer.verdict !== 'waiting') return false;
  const { name } = parseImageReference(reference);
  return refused.some(
    (one) => one.digest === answer.digest && parseImageReference(one.reference).name === name,
  );
}

/** Undefined where what runs is none of the repository's. @throws {LookError} */
async function lookAtTag(
  parts: LookParts,
  question: ImageQuestion,
  { repository, tag, current }: { repository: Repository; tag: string; current: string },
  local: LocalImage | undefined,
): Promise<ImageAnswer | undefined> {
  const { name } = parseImageReference(question.reference);
  const digest = await parts.images.digest(repository, tag);
  const same = (note?: string): ImageAnswer => ({ verdict: 'same', tag, digest, note });
  if (local?.digests.includes(digest) === true) {
    noteShown(parts, repository, local, local.id);
    return same(tag === current ? undefined : `${tag} is the same image`);
  }
  if (local && !(await isFrom(parts, repository, local))) return undefined;
  const place = { repository, digest, key: findingKey(`${name}:${tag}`, local?.id ?? '') };
  const finding = await findingOf(parts, place, local);
  parts.findings[place.key] = finding;
  if (!finding.isOther) return same('its image for another platform moved');
  if (local) noteShown(parts, repository, local, digest);
  const found = { tag, digest, pinned: `${name}:${tag}@${digest}` };
  return judgeAge(parts, question, place, finding, found);
}

/** Where to look at, and what is there. */
interface Place {
  readonly repository: Repository;
  readonly digest: string;
  /** Of what is found out about it. */
  readonly key: string;
}

async function tagsFor(
  { images }: LookParts,
  { tags: policy }: ImageQuestion,
  repository: Repository,
  current: string,
): Promise<readonly string[]> {
  if (!needsTags(policy, current)) return [current];
  return allowedTags(current, await images.tags(repository), policy);
}

async function findingOf(
  parts: LookParts,
  { repository, digest, key }: Place,
  local: LocalImage | undefined,
): Promise<Finding> {
  const known = own(parts.findings, key) ?? own(parts.before, key);
  if (known?.digest === digest) return known;
  const platform = local?.platform ?? parsePlatform(parts.platform);
  const platformDigest = await instanceDigest(parts, repository, digest, platform);
  const seen = parts.now.toISOString();
  const isSame = local !== undefined && (await isHere(parts, repository, platformDigest, local));
  return { digest, platformDigest, isOther: !isSame, seen };
}

async function instanceDigest(
  { images }: LookParts,
  repository: Repository,
  digest: string,
  platform: Platform,
): Promise<string> {
  const manifest = await images.manifest(repository, digest);
  if (manifest.kind === 'image') return digest;
  const instance = instanceFor(manifest.instances, platform);
  if (instance !== undefined) return instance.digest;
  throw new LookError(
    'absent',
    `${repository.registry} has no image for ${platformText(platform)} under ${repository.path}@${digest} (there are: ${platformsText(manifest.instances)})`,
    'push one for this platform; what runs is not touched',
  );
}

/**
 * Whether the instance is what this host has. Docker's own store names an image by its configuration; that of
 * containerd by the digest of its index: what that one had for this platform, the registry knows as long as it keeps it.
 */
async function isHere(
  { images }: LookParts,
  repository: Repository,
  platformDigest: string,
  local: LocalImage,
): Promise<boolean> {
  if ([...local.digests, ...local.instances].includes(platformDigest)) return true;
  if (!local.digests.includes(local.id)) {
    const manifest = await images.manifest(repository, platformDigest);
    return manifest.kind === 'image' && manifest.config === local.id;
  }
  if (local.instances.length > 0) return false;
  const old = await images.manifest(repository, local.id).catch((error: unknown) => {
    if (error instanceof LookError && error.kind === 'absent') return undefined;
    throw error;
  });
  return (
    old?.kind === 'index' && instanceFor(old.instances, local.platform)?.digest === platformDigest
  );
}

/** Whether an image that moved is old enough. */
async function judgeAge(
  parts: LookParts,
  { minimumAgeHours }: ImageQuestion,
  place: Place,
  finding: Finding,
  found: Omit<Found, 'platformDigest' | 'created'>,
): Promise<ImageAnswer> {
  const { platformDigest, seen } = finding;
  const whole = { ...found, platformDigest };
  if (minimumAgeHours <= 0) {
    return { verdict: 'moved', ...whole, created: finding.created ?? undefined };
  }
  const created = await createdOf(parts, place, finding);
  const sinceMs = millisecondsOf(created ?? seen);
  const until = isoOf(sinceMs + minimumAgeHours * 3_600_000);
  const isOld = sinceMs + minimumAgeHours * 3_600_000 <= parts.now.getTime();
  if (isOld || until === null) return { verdict: 'moved', ...whole, created };
  const why =
    created === undefined
      ? `it does not say when it was made; this host saw it first at ${seen}`
      : `it was made at ${created}`;
  return { verdict: 'waiting', ...whole, created, until, why };
}

async function createdOf(
  { images, findings }: LookParts,
  { repository, key }: Place,
  finding: Finding,
): Promise<string | undefined> {
  if (finding.created !== undefined) return finding.created ?? undefined;
  const manifest = await images.manifest(repository, finding.platformDigest);
  const created =
    manifest.kind === 'image' ? await images.created(repository, manifest.config) : undefined;
  findings[key] = { ...finding, created: created ?? null };
  return created;
}
