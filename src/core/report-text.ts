import { releaseText } from './moved-image.ts';
import { agoText, durationText, momentText } from './duration.ts';
import { millisecondsOf } from './moment.ts';
import {
  downtimeText,
  outcomeOf,
  phaseWord,
  quarantinedText,
  shortCommit,
  sizeText,
  stateOfHost,
} from './report-words.ts';
import type { ReportData, ReportRun } from './report.ts';

/** The report for a terminal or a pipe, one line each. */
export function reportText(data: ReportData): string[] {
  const { project, host, branch, deployed, needsOperator, alarm, holds, runs, engine } = data;
  const nowMs = millisecondsOf(data.madeAt);
  const [backup] = data.backups;
  return [
    `${project} on ${host}, following ${branch}: ${stateOfHost(data).word}`,
    `  deployed: ${deployed ? `${shortCommit(deployed.commit)} since ${when(deployed.at, nowMs)}` : 'nothing recorded yet'}`,
    `  Docker: ${engine === null ? 'not asked' : engine.version || 'does not answer'}`,
    `  backup: ${backup ? `${sizeText(backup.sizeBytes)}, ${when(backup.at, nowMs)}; ${data.backups.length} kept` : 'none yet'}`,
    ...(needsOperator === null ? [] : [`  an operator is needed: ${needsOperator}`]),
    ...(alarm === null ? [] : [`  ALARM: ${alarm}`]),
    ...holds.map((hold) => `  held: ${hold}`),
    ...data.quarantine.map(
      (one) => `  quarantined: ${quarantinedText(one)} since ${when(one.at, nowMs)}: ${one.reason}`,
    ),
    '',
    ...(runs.length === 0 ? ['no update or rollback yet'] : []),
    ...runs.flatMap((run) => runText(run, nowMs)),
  ];
}

function runText(run: ReportRun, nowMs: number): string[] {
  const { seconds, note, reasons, warnings, phases, backup, services, state } = run;
  const times = phases.map((phase) => `${phaseWord(phase.state)} ${durationText(phase.seconds)}`);
  return [
    `${when(run.at, nowMs)}: ${outcomeOf(run).word} ${releaseText(run, shortCommit)}, took ${durationText(seconds)}`,
    ...(note === null || state === 'COMMITTED' ? [] : [`  because: ${note}`]),
    ...reasons.map((reason) => `  ${reason}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
    ...services.map(({ service, action, risk }) => `    ${action} ${service} (${risk})`),
    `  phases: ${times.join(', ') || 'none'}`,
    `  downtime: ${downtimeText(run)}`,
    ...(backup === null
      ? []
      : [`  backup: ${sizeText(backup.sizeBytes)} in ${durationText(backup.seconds)}`]),
    '',
  ];
}

function when(iso: string, nowMs: number): string {
  return `${momentText(iso)} UTC (${agoText(millisecondsOf(iso), nowMs)})`;
}
