import { sections, type Change, type Section } from './diff.ts';
import { downtimeOf, lastNote, stateOf, type Entry, type Transaction } from './journal.ts';
import type { Draft } from './notification.ts';
import { downtimeTexts, outagesOf, outageTexts } from './outage.ts';
import { backText, changeText, imagesText, subjectText } from './moved-image.ts';
import type { Plan } from './plan.ts';

/** Names in one line; the others are counted. */
const MOST_NAMES = 10;

/** What changes, one kind a line: `2 changed: db (environment), web (image web:1 → web:2)`. */
export function changeTexts({ changes }: Pick<Plan, 'changes'>): string[] {
  const kinds: readonly (readonly [string, string[]])[] = [
    ['changed', changes.flatMap(changedText)],
    ['new', changes.flatMap((one) => (one.kind === 'added' ? [one.service] : []))],
    ['gone', changes.flatMap((one) => (one.kind === 'removed' ? [one.service] : []))],
    [
      'renamed',
      changes.flatMap((one) => (one.kind === 'renamed' ? [`${one.from} → ${one.service}`] : [])),
    ],
    ...sections.map((section): [string, string[]] => {
      const names = resourceTexts(changes, section);
      return [names.length === 1 ? section.slice(0, -1) : section, names];
    }),
  ];
  return kinds.flatMap(([what, names]) => (names.length > 0 ? [line(what, names)] : []));
}

function line(what: string, names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.length} ${what}: ${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}

function changedText(change: Change): string[] {
  switch (change.kind) {
    case 'image':
      return [`${change.service} (image ${change.from} → ${change.to})`];
    case 'moved':
      return [`${change.service} (image ${change.image}, newer)`];
    case 'changed':
      return [`${change.service} (${change.fields.join(', ')})`];
    case 'contents':
      return [`${change.service} (files it reads)`];
    case 'added':
    case 'removed':
    case 'renamed':
    case 'resource':
      return [];
  }
}

function resourceTexts(changes: readonly Change[], section: Section): string[] {
  return changes.flatMap((one) =>
    one.kind === 'resource' && one.section === section ? [`${one.name} (${one.what})`] : [],
  );
}

/** That a transaction has begun. */
export function begunDraft({ id, plan, entries }: Transaction): Draft {
  const what = plan.kind === 'update' ? 'an update' : 'a rollback by hand';
  return {
    event: 'started',
    about: `begun ${id}`,
    at: entries[0]?.at ?? '',
    summary: `${what} ${plan.moved === undefined ? `from ${short(plan.from)} to ${short(plan.to)}` : `of ${changeText(plan)}`} has begun`,
    changes: changeTexts(plan),
    next: 'journalctl -u orchestrator-update -f    # watch it',
    facts: factsOf(id, plan),
  };
}

/**
 * How a transaction ended, from its journal alone: it tells of nothing that did not happen, and whoever reads it
 * after a crash tells the same. Undefined where it is not over, and where somebody else tells it.
 */
export function endedDraft(transaction: Transaction, isQuarantined: boolean): Draft | undefined {
  const { id, plan, entries } = transaction;
  const { at = '' } = entries.at(-1) ?? {};
  const common = {
    about: `ended ${id}`,
    at,
    changes: changeTexts(plan),
    outages: awayTexts(transaction),
    facts: factsOf(id, plan),
  };
  const { headline, output } = reasonIn(lastNote(entries) ?? '');
  const facts = { ...common.facts, reason: headline };
  switch (stateOf(entries)) {
    case 'COMMITTED':
      return { ...common, event: 'updated', summary: committedText(plan) };
    case 'ROLLED_BACK':
      return {
        ...common,
        event: 'rolled-back',
        alsoAbout: [quarantineOf(plan)],
        summary: `${backText(plan)}: ${headline}`,
        output,
        next: isQuarantined
          ? `mend it and push: ${subjectText(plan)} is quarantined; orchestrator-update history; orchestrator-update run --force    # tries it again`
          : 'orchestrator-update history; the next run tries it again',
        facts,
      };
    case 'NEEDS_OPERATOR':
      return {
        ...common,
        event: 'needs-operator',
        alsoAbout: [`operator ${id}`, quarantineOf(plan)],
        summary: `neither what is new nor what was before could be verified (${changeText(plan)}): ${headline}`,
        output,
        next: 'orchestrator-update status; docker compose ps; docker compose logs --tail 50; when the cluster is well: orchestrator-update acknowledge',
        facts,
      };
    case 'ABORTED':
      return abortedDraft(transaction, { ...common, outages: [], facts });
    case 'PREPARING':
    case 'ARMED':
    case 'APPLYING':
    case 'VERIFYING':
    case 'COMMITTING':
    case 'ROLLING_BACK':
    case 'VERIFYING_ROLLBACK':
      return undefined;
  }
}

/** As Docker told it; where that was not heard, as long as the journal allows. */
function awayTexts({ plan, entries }: Transaction): string[] {
  const measured = downtimeOf(entries);
  return measured === undefined ? outageTexts(outagesOf(plan, entries)) : downtimeTexts(measured);
}

/** Nothing was touched. What waits for approval, or was stopped by a person, is told where that is met, or known. */
function abortedDraft(
  { plan, entries }: Transaction,
  common: Omit<Draft, 'event' | 'summary'>,
): Draft | undefined {
  const note = lastNote(entries) ?? '';
  if (/^(an update (waits for approval|is available)|interrupted by|was stopped)/.test(note))
    return undefined;
  if (note.startsWith('the run was cut off')) {
    const summary = `the update of ${changeText(plan)} was cut off before anything was touched; what was before runs, and the next run tries it again`;
    return { ...common, event: 'recovered', summary };
  }
  const { headline, output } = reasonIn(note);
  const isBackup = failedStep(entries)?.startsWith('back up') === true;
  return {
    ...common,
    event: isBackup ? 'backup-failed' : 'failed',
    // Tried again later and later: once a day is enough; of each of both, since who hears of one may not hear of the other.
    about: `${isBackup ? 'backup ' : ''}failed ${plan.to}`,
    summary: `the update of ${changeText(plan)} was given up before anything was touched: ${headline}`,
    output,
    next: 'orchestrator-update status; orchestrator-update doctor; orchestrator-update run    # tries it again',
  };
}

/** What was being done when it was given up. */
function failedStep(entries: readonly Entry[]): string | undefined {
  return entries.findLast(({ step }) => step !== undefined)?.step;
}

/**
 * A failure in one sentence, and what was printed: each thing that is not healthy, or the last lines of a program.
 */
export function reasonIn(note: string): { headline: string; output: string[] } {
  const [first = '', ...rest] = note.split('\n').map((one) => one.trimEnd());
  const unhealthy = /^(.*?not healthy after [\d.]+ s): (.*)$/.exec(first);
  if (unhealthy) {
    const [, headline = '', what = ''] = unhealthy;
    return { headline, output: [...what.split('; '), ...rest.filter((one) => one !== '')] };
  }
  return { headline: first.replace(/:$/, ''), output: rest.filter((one) => one !== '') };
}

function committedText(plan: Plan): string {
  const { kind, from, to, restores, moved, left } = plan;
  const [old, now] = [short(from), short(to)];
  if (restores !== undefined)
    return `${now} was restored with the data of ${restores}, and verified`;
  if (left !== undefined) return `a person went back from ${imagesText(left)}; it was verified`;
  if (moved !== undefined) return `updated ${changeText(plan)}, and verified`;
  return kind === 'update'
    ? `updated from ${old} to ${now}, and verified`
    : `a person went back from ${old} to ${now}; it was verified`;
}

/** What a later run says of it, while it is held. */
function quarantineOf({ to, moved }: Plan): string {
  const digests = moved?.map(({ digest }) => digest).toSorted();
  return digests === undefined ? `quarantine ${to}` : `images ${digests.join(' ')}`;
}

function factsOf(id: string, { kind, from, to }: Plan): Record<string, string> {
  return { transaction: id, kind, from, to };
}

function short(commit: string): string {
  return commit.slice(0, 12);
}
