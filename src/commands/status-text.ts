import { agoText, durationText } from '../core/duration.ts';
import { megabytes } from '../core/megabytes.ts';
import { downtimeText } from '../core/report-words.ts';
import { short } from '../outcome.ts';
import { engineRows } from './engine-row.ts';
import { firstFew } from './history-text.ts';
import type { HistoryEntry } from './history.ts';
import type { Screen } from './screen.ts';
import type { Status } from './status.ts';
import { tableLines } from './table.ts';
import { verificationRows } from './verification-status.ts';

const colours = { held: 'yellow', ALARM: 'red', waiting: 'cyan' } as const;

/** `status` for a person, or for `grep`: a name and a value in each line. */
export function statusText(status: Status, screen: Screen): string {
  const { deployed, last } = status;
  const rows = [
    ['cluster', `${status.project}, following ${status.branch}`],
    [
      'deployed',
      deployed
        ? `${short(deployed.commit)} since ${momentWithAge(deployed.at, screen)}`
        : 'nothing recorded yet',
    ],
    ['waiting', waitingText(status)],
    ['last run', last ? lastText(last, screen) : 'none yet'],
    ...(last?.downtime ? [['downtime', downtimeText(last)]] : []),
    ['backup', backupText(status, screen)],
    ...verificationRows(status.verification),
    ...engineRows(status.engine),
    ...(status.underWay ? [['under way', status.underWay]] : []),
    ['next run', status.nextTimerRun ?? 'not scheduled'],
    ...(status.holds.length > 0 ? status.holds.map((hold) => ['held', hold]) : [['held', 'no']]),
  ];
  if (!screen.isTerminal) return tableLines(rows, false).join('\n');
  const lines = rows.flatMap(([name = '', value = '']) => {
    const padding = [''.padEnd(NAME_CELLS), ''];
    const [, ...all] = tableLines([padding, [name, value]], true, screen.columns);
    return all.map((line) => painted(name, value, line, screen));
  });
  return lines.join('\n');
}

const NAME_CELLS = 9;

/** Its name is dim, and what a person has to know stands out. */
function painted(name: string, value: string, line: string, { paint }: Screen): string {
  const [head, rest] = [line.slice(0, NAME_CELLS), line.slice(NAME_CELLS)];
  const isUrgent = name === 'held' && /^an (operator|update)/.test(value);
  const isCalm = ['no', 'nothing'].includes(value);
  const colour = isUrgent ? 'red' : isCalm ? undefined : colours[name as keyof typeof colours];
  return paint('dim', head) + (colour === undefined ? rest : paint(colour, rest));
}

/** `2026-11-24T02:00:05Z (3 h ago)` */
function momentWithAge(iso: string, { now }: Screen): string {
  return `${iso.replace(/\.\d+Z$/, 'Z')} (${agoText(Date.parse(iso), now.getTime())})`;
}

function backupText({ backup, backupsKept }: Status, { isTerminal, now }: Screen): string {
  if (backup === null) return 'none yet';
  const { name, sizeBytes, seconds, frozen, createdAt } = backup;
  const pause = frozen ? `, frozen for ${frozen.seconds.toFixed(1)} s` : '';
  const text = `${name}: ${megabytes(sizeBytes)} in ${seconds} s${pause}; ${backupsKept} kept`;
  return isTerminal ? `${text}; ${agoText(Date.parse(createdAt), now.getTime())}` : text;
}

function waitingText({ waiting, awaiting, remoteError }: Status): string {
  if (remoteError !== null) return `unknown: ${remoteError.split('\n')[0]}`;
  if (waiting === null) return 'nothing';
  if (awaiting === null || awaiting.approved === null) return short(waiting);
  const { id, approved } = awaiting;
  return `${short(waiting)}, approved (${id}, by ${approved.by} at ${approved.at}): the next run applies it`;
}

function lastText(last: HistoryEntry, screen: Screen): string {
  const { note, reasons } = last;
  const why = note ?? (screen.isTerminal ? firstFew(reasons) : reasons).join('; ');
  return `${momentWithAge(last.at, screen)} ${last.kind} to ${short(last.to)}: ${last.state} after ${durationText(last.seconds)} (${why})`;
}
