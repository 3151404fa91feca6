import { exposition, type Metric } from './exposition.ts';
import { millisecondsOf } from './moment.ts';
import type { Phase } from './phases.ts';
import { phaseWord } from './report-words.ts';
import type { ReportData, ReportRun } from './report.ts';
import { rollbackReasons } from './rollback-reason.ts';
import type { RunCounts } from './run-counts.ts';

/** The metrics that change only when something was done. */
export function reportMetrics(data: ReportData, counts: RunCounts): string {
  return exposition([
    ...hostMetrics(data),
    ...countMetrics(counts),
    ...runMetrics(data.runs.find(({ isOver }) => isOver)),
    ...backupMetrics(data),
  ]);
}

function hostMetrics(data: ReportData): Metric[] {
  const { version, project, branch, deployed, engine, quarantine, needsOperator } = data;
  return [
    gauge('info', 'The updater of this host.', [
      { labels: { version, project, branch }, value: 1 },
    ]),
    gauge(
      'deployed_timestamp_seconds',
      'Since when the deployed release is in force.',
      deployed ? [{ labels: { commit: deployed.commit }, value: secondsAt(deployed.at) }] : [],
    ),
    gauge('needs_operator', 'Whether updates are stopped until a person acknowledges.', [
      { value: needsOperator === null ? 0 : 1 },
    ]),
    gauge('quarantined_releases', 'Releases that failed and are not tried again.', [
      { value: quarantine.filter(({ image }) => image === null).length },
    ]),
    gauge('quarantined_images', 'Images that failed and are not tried again.', [
      { value: quarantine.filter(({ image }) => image !== null).length },
    ]),
    gauge(
      'engine_info',
      'The Docker engine that answers.',
      engine?.version ? [{ labels: { version: engine.version }, value: 1 }] : [],
    ),
    gauge(
      'engine_upgrade_available',
      'Whether a newer engine can be had, as it was seen last.',
      engine ? [{ value: engine.available === null ? 0 : 1 }] : [],
    ),
  ];
}

function countMetrics({ updates, aborted, rollbacks }: RunCounts): Metric[] {
  return [
    {
      name: 'updates_total',
      help: 'Releases that were brought and verified.',
      type: 'counter',
      samples: [{ value: updates }],
    },
    {
      name: 'aborted_total',
      help: 'Updates that were given up before anything was touched.',
      type: 'counter',
      samples: [{ value: aborted }],
    },
    {
      name: 'rollbacks_total',
      help: 'Releases that were left again, by reason.',
      type: 'counter',
      samples: rollbackReasons.map((reason) => ({
        labels: { reason },
        value: rollbacks[reason] ?? 0,
      })),
    },
  ];
}

function runMetrics(run: ReportRun | undefined): Metric[] {
  if (run === undefined) return [];
  return [
    gauge('last_update_timestamp_seconds', 'When the last update or rollback ended.', [
      { value: secondsAt(run.endedAt) },
    ]),
    gauge('last_update_duration_seconds', 'How long the last update or rollback took.', [
      { value: run.seconds },
    ]),
    gauge(
      'last_update_phase_duration_seconds',
      'How long its phases took; attempts of one phase together.',
      [...byPhase(run.phases)].map(([phase, value]) => ({ labels: { phase }, value })),
    ),
    gauge(
      'last_update_downtime_seconds',
      'How long services were away in it: not running or, where Docker checks that, not healthy.',
      (run.downtime ?? []).map(({ service, seconds }) => ({ labels: { service }, value: seconds })),
    ),
  ];
}

function byPhase(phases: readonly Phase[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { state, seconds } of phases) {
    const phase = phaseWord(state).replaceAll(' ', '_');
    sums.set(phase, (sums.get(phase) ?? 0) + seconds);
  }
  return sums;
}

function backupMetrics({ backups, alarm }: ReportData): Metric[] {
  const [newest] = backups;
  const verified = backups.flatMap(({ verifiedAt }) => (verifiedAt ? [secondsAt(verifiedAt)] : []));
  const kept = [
    gauge('backups', 'Backups that are kept.', [{ value: backups.length }]),
    gauge('backup_alarm', 'Whether a backup was found that cannot be relied on.', [
      { value: alarm === null ? 0 : 1 },
    ]),
  ];
  if (newest === undefined) return kept;
  return [
    ...kept,
    gauge(
      'backup_timestamp_seconds',
      'When the newest backup was made; time() minus it is its age.',
      [{ value: secondsAt(newest.at) }],
    ),
    gauge('backup_size_bytes', 'What the newest backup holds.', [{ value: newest.sizeBytes }]),
    gauge('backup_duration_seconds', 'How long the newest backup took.', [
      { value: newest.seconds },
    ]),
    gauge('backup_frozen_seconds', 'How long writers were kept from writing for it.', [
      { value: newest.frozenSeconds },
    ]),
    gauge(
      'backup_verified_timestamp_seconds',
      'When a backup was found good last.',
      verified.length > 0 ? [{ value: Math.max(...verified) }] : [],
    ),
  ];
}

function gauge(name: string, help: string, samples: Metric['samples']): Metric {
  return { name, help, type: 'gauge', samples };
}

function secondsAt(iso: string): number {
  return millisecondsOf(iso) / 1000;
}
