import { canonicalJson, sameValue } from './canonical-json.ts';
import { shortDigest, type ImageDigest } from './moved-image.ts';
import { own } from './own.ts';
import type { Plan, Strategy, Verdict } from './plan.ts';
import type { PlanRisk } from './policy.ts';
import type { Action } from './service-plan.ts';

/** What is done to a service, and why, as a person read it. */
export interface ServiceTerms {
  readonly service: string;
  readonly action: Action;
  /** The name it had, where it is renamed. */
  readonly from?: string;
  /** How it runs otherwise than its present release says. */
  readonly drift?: string;
  readonly reasons: readonly string[];
}

/**
 * What a person approves: all of a plan that says what will run, and nothing that is another whenever the
 * same plan is made again, such as moments and the names of transactions and backups.
 */
export interface Terms {
  readonly from: string;
  /** What is gone to. */
  readonly commit: string;
  readonly verdict: Verdict;
  readonly strategy: Strategy;
  readonly services: readonly ServiceTerms[];
  readonly risks: readonly PlanRisk[];
  /** Whether the data of before comes back, too, when the release is taken back by itself. */
  readonly bringsDataBack: boolean;
  /** SHA-256 of what compose makes of the release, and of the files its services read or are built from. */
  readonly contents: string;
  /** Every image that the release names and does not build: its digest by reference; empty where it is not known. */
  readonly digests: Readonly<Record<string, string>>;
  /** Those that moved, where that is what is brought: the commit is the same. */
  readonly moved?: readonly ImageDigest[];
}

/** The terms of a plan, whose `effects` and `digests` have been learned. */
export function termsOf(plan: Plan): Terms {
  const { from, to: commit, verdict, strategy, effects, dataBack, digests = {} } = plan;
  return {
    from,
    commit,
    verdict,
    strategy,
    services: plan.services.map(({ service, action, from: was, drift, reasons }) => ({
      service,
      action,
      ...(was === undefined ? {} : { from: was }),
      ...(drift === undefined ? {} : { drift }),
      reasons,
    })),
    risks: sortedRisks(plan.risks),
    bringsDataBack: dataBack !== undefined,
    contents: effects?.to.contents ?? '',
    digests,
    ...(plan.moved === undefined ? {} : { moved: plan.moved.map(digestOnly) }),
  };
}

const digestOnly = ({ reference, digest }: ImageDigest): ImageDigest => ({ reference, digest });

/** A risk found with the plan and one found once its images are here are the same: in an order of their own, each once. */
function sortedRisks(risks: readonly PlanRisk[]): PlanRisk[] {
  const texts = risks.map(({ subject, risk, why }) => canonicalJson({ subject, risk, why }));
  return [...new Set(texts)].toSorted().map((text) => JSON.parse(text) as PlanRisk);
}

/** Names a plan: another text as soon as a person would approve anything else. */
export function hashOf(terms: Terms, sha256: (text: string) => string): string {
  return sha256(canonicalJson(terms));
}

const ID_DIGITS = 8;

/** What a person types for a plan: the first digits of its hash, as many as tell it from another that was told before. */
export function idOf(hash: string, toldBefore = ''): string {
  if (hash === toldBefore) return hash.slice(0, ID_DIGITS);
  let digits = ID_DIGITS;
  while (digits < hash.length && toldBefore.startsWith(hash.slice(0, digits))) digits += 1;
  return hash.slice(0, digits);
}

/** The terms with digests that are not known now as they were known before; the pull shows whether they still are. */
export function withDigestsOf(known: Pick<Terms, 'digests'>, terms: Terms): Terms {
  const digests = Object.entries(terms.digests).map(
    ([reference, digest]) =>
      [reference, digest === '' ? (own(known.digests, reference) ?? '') : digest] as const,
  );
  return { ...terms, digests: Object.fromEntries(digests) };
}

/** In which of its terms a plan differs from the one that a person was told of: a sentence each, none where they are the same. */
export function differencesBetween(told: Terms, now: Terms): string[] {
  return [
    ...changed('the branch moved', told.commit, now.commit, shortCommit),
    ...changed('what is deployed is another', told.from, now.from, shortCommit),
    ...digestDifferences(told, now),
    ...serviceDifferences(told, now),
    ...riskDifferences(told, now),
    ...changed('what is to be done', told.verdict, now.verdict),
    ...changed('the strategy', told.strategy, now.strategy),
    ...(told.bringsDataBack === now.bringsDataBack
      ? []
      : ['whether data comes back with the old release changed']),
    ...(told.commit === now.commit && told.contents !== now.contents
      ? ['what docker compose makes of the same commit on this host changed']
      : []),
  ];
}

const shortCommit = (commit: string): string => commit.slice(0, 12);

function changed(
  what: string,
  was: string,
  is: string,
  shown: (value: string) => string = (value) => value,
): string[] {
  return was === is ? [] : [`${what}: ${shown(was)} → ${shown(is)}`];
}

function digestDifferences(told: Terms, now: Terms): string[] {
  const references = Object.keys({ ...told.digests, ...now.digests }).toSorted();
  return references.flatMap((reference) => {
    const [was, is] = [own(told.digests, reference), own(now.digests, reference)];
    return changed(`image ${reference}`, was ?? 'not named', is ?? 'not named', digestText);
  });
}

const digestText = (digest: string): string => (digest === '' ? 'not known' : shortDigest(digest));

function serviceDifferences(told: Terms, now: Terms): string[] {
  const before = new Map(told.services.map((one) => [one.service, one]));
  const after = new Map(now.services.map((one) => [one.service, one]));
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return names.flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (sameValue(was ?? null, is ?? null)) return [];
    const [old, next] = [was?.action ?? 'not there', is?.action ?? 'not there'];
    const reasons = [...(is?.reasons ?? []), ...(is?.drift === undefined ? [] : [is.drift])];
    const why = reasons.length === 0 ? '' : ` (${[...new Set(reasons)].join('; ')})`;
    return [`service ${name}: ${old === next ? next : `${old} → ${next}`}${why}`];
  });
}

const textOf = ({ subject, risk, why }: PlanRisk): string => `${subject}: ${why} (${risk})`;

function riskDifferences(told: Terms, now: Terms): string[] {
  const [before, after] = [told.risks.map(textOf), now.risks.map(textOf)];
  return [
    ...after.filter((one) => !before.includes(one)).map((one) => `it is new that ${one}`),
    ...before.filter((one) => !after.includes(one)).map((one) => `no longer: ${one}`),
  ];
}
