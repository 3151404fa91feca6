import { agoText, durationText, momentText } from '../core/duration.ts';
import { wrapped } from '../core/display-width.ts';
import { releaseText } from '../core/moved-image.ts';
import { megabytes } from '../core/megabytes.ts';
import { downtimeText, outcomeOf, sizeText, type Tone } from '../core/report-words.ts';
import { short } from '../outcome.ts';
import type { HistoryBackup, HistoryEntry } from './history.ts';
import type { Screen } from './screen.ts';
import { tableLines } from './table.ts';

const colours: Readonly<Record<Tone, 'green' | 'yellow' | 'red' | 'cyan'>> = {
  good: 'green',
  bad: 'yellow',
  alert: 'red',
  calm: 'cyan',
};

const INDENT = '    ';
/** A terminal narrower than this has the short form of commits. */
const WIDE_COLUMNS = 100;
const SHORTEST_COMMIT = 7;

/** The history: on a terminal a line a run and why below it; in a pipe a line a run, and nothing wrapped. */
export function historyText(entries: readonly HistoryEntry[], screen: Screen): string {
  if (entries.length === 0) return 'no update or rollback yet';
  return (screen.isTerminal ? onTerminal(entries, screen) : inPipe(entries)).join('\n');
}

function inPipe(entries: readonly HistoryEntry[]): string[] {
  const rows = entries.map((entry) => [
    entry.at.replace(/\.\d+Z$/, 'Z'),
    entry.kind,
    releaseText(entry, short),
    entry.state,
    `${entry.seconds} s`,
    backupText(entry.backup),
    downtimeText(entry),
    whyOf(entry),
  ]);
  const header = ['WHEN', 'WHAT', 'RELEASE', 'OUTCOME', 'TOOK', 'BACKUP', 'DOWNTIME', 'WHY'];
  return tableLines([header, ...rows], false);
}

function onTerminal(entries: readonly HistoryEntry[], screen: Screen): string[] {
  const { columns, now, paint } = screen;
  const id = (commit: string): string =>
    columns < WIDE_COLUMNS ? commit.slice(0, SHORTEST_COMMIT) : short(commit);
  const rows = entries.map((entry) => [
    momentText(entry.at),
    agoText(Date.parse(entry.at), now.getTime()),
    paint(colours[outcomeOf(entry).tone], outcomeOf(entry).word),
    durationText(entry.seconds),
    releaseText(entry, id),
  ]);
  const [head = '', ...lines] = tableLines(
    [['WHEN (UTC)', '', 'OUTCOME', 'TOOK', 'RELEASE'], ...rows],
    true,
  );
  return [
    paint('dim', head.trimEnd()),
    ...lines.flatMap((line, index) => {
      const entry = entries[index];
      return entry ? [line, ...below(entry, screen)] : [line];
    }),
  ];
}

/** Why, and what it cost. */
function below(entry: HistoryEntry, { columns, paint }: Screen): string[] {
  const cells = Math.max(24, columns - INDENT.length);
  const facts = [
    ...(entry.state === 'ABORTED' ? [] : [`downtime ${downtimeText(entry)}`]),
    ...(entry.backup
      ? [`backup ${sizeText(entry.backup.sizeBytes)} in ${durationText(entry.backup.seconds)}`]
      : []),
  ].join('; ');
  return [
    ...whyLines(entry).flatMap((text) => wrapped(text, cells).map((line) => INDENT + line)),
    ...(facts === '' ? [] : wrapped(facts, cells).map((line) => INDENT + paint('dim', line))),
  ];
}

/** A line a reason; of many the first few. */
function whyLines({ note, reasons }: HistoryEntry): string[] {
  return note === undefined ? firstFew(reasons) : [note.split('\n')[0] ?? ''];
}

const REASONS_SHOWN = 4;

/** A person finds the others in the report. */
export function firstFew(texts: readonly string[]): string[] {
  const more = texts.length - REASONS_SHOWN;
  return more <= 1 ? [...texts] : [...texts.slice(0, REASONS_SHOWN), `and ${more} more`];
}

function whyOf({ note, reasons }: HistoryEntry): string {
  return (note ?? reasons.join('; ')).split('\n')[0] ?? '';
}

function backupText(backup: HistoryBackup | null): string {
  return backup === null ? '-' : `${megabytes(backup.sizeBytes)}, ${backup.seconds} s`;
}
