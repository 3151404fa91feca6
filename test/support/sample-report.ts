import type { ComposeModel } from '../../src/core/compose-model.ts';
import type { Entry, State, Transaction } from '../../src/core/journal.ts';
import type { Downtime } from '../../src/core/downtime.ts';
import { diffModels } from '../../src/core/diff.ts';
import { makePlan } from '../../src/core/plan.ts';
import type { ReportInput } from '../../src/core/report.ts';
import { nothingVerified } from '../../src/core/verification.ts';
import { model, planInput, type Services } from './builders.ts';

const START_MS = Date.parse('2026-11-20T01:07:13.000Z');
const HOUR_MS = 3_600_000;

/** A line of a journal: seconds since the one before, state, and what else it has. */
type Line = readonly [afterSeconds: number, state: State, more?: Partial<Entry>];

/** A transaction from one release to another, with lines as a real run writes them. */
export function transactionOf(
  hours: number,
  before: Services,
  after: Services,
  lines: readonly Line[],
): Transaction {
  const startMs = START_MS + hours * HOUR_MS;
  const id = new Date(startMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const [old, now] = [model(before), model(after)];
  const plan = makePlan(
    planInput(old, now, {
      backup: `${id}-backup`,
      from: commitOf(hours - 1),
      to: commitOf(hours),
      runningImages: Object.entries(before).map(([service, { image = '' }]) => ({
        service,
        reference: image,
        id: `sha256:${service}`,
      })),
      // The old ones are what runs, the new ones were pulled.
      imageIds: { ...imageIds(now), ...imageIds(old) },
    }),
  );
  let atMs = startMs;
  const entries = lines.map(([afterSeconds, state, more]): Entry => {
    atMs += afterSeconds * 1000;
    return { at: new Date(atMs).toISOString(), state, ...more };
  });
  return {
    id: `${id}-${plan.to.slice(0, 8)}`,
    plan: { ...plan, changes: diffModels(old, now) },
    entries,
  };
}

function imageIds({ services }: ComposeModel): Record<string, string> {
  return Object.fromEntries(
    Object.entries(services).map(([name, { image = '' }]) => [
      image,
      `sha256:${name}${image.endsWith('-next') ? '-next' : ''}`,
    ]),
  );
}

function commitOf(hours: number): string {
  return Math.abs(Math.imul(hours + 1000, 2_654_435_761))
    .toString(16)
    .padStart(8, '7')
    .repeat(5)
    .slice(0, 40);
}

const small: Services = {
  orchestrator: { image: 'registry.example/orchestrator:1.14.2', restart: 'always' },
  'knowledge-graph': { image: 'registry.example/knowledge-graph:2.3.0', restart: 'always' },
  postgres: { image: 'postgres:16.4', restart: 'always' },
  'proxy-für-außen': { image: 'caddy:2.8', restart: 'always' },
};

/** Forty services, some with names as long as people make them. */
const large: Services = Object.fromEntries(
  Array.from({ length: 40 }, (_, index) => {
    const name =
      index % 7 === 3
        ? `telemetry-ingest-worker-for-the-eastern-warehouse-${index}-with-a-very-long-name`
        : `worker-${String(index).padStart(2, '0')}`;
    return [name, { image: `registry.example/platform/worker:${index}.0`, restart: 'always' }];
  }),
);

const newer = (services: Services, names: readonly string[]): Services =>
  Object.fromEntries(
    Object.entries(services).map(([name, one]) => [
      name,
      names.includes(name) ? { ...one, image: `${one.image}-next` } : one,
    ]),
  );

const away = (names: readonly string[], seconds: number): Downtime[] =>
  names.map((service, index) => ({ service, seconds: seconds + index * 0.37 }));

const prepared: readonly Line[] = [
  [0, 'PREPARING'],
  [0.4, 'PREPARING', { step: 'keep 4 images for a rollback' }],
  [0.6, 'PREPARING', { step: 'pull registry.example/orchestrator:1.14.3' }],
  [38.2, 'PREPARING', { step: 'back up to 20261120T010713Z-8c1f2a90' }],
  [21.4, 'ARMED'],
  [0.5, 'APPLYING'],
  [0.1, 'APPLYING', { step: 'check out 8c1f2a907d3e' }],
  [0.9, 'APPLYING', { step: 'apply knowledge-graph, orchestrator' }],
];

function updated(hours: number): Transaction {
  const names = ['orchestrator', 'knowledge-graph'];
  return transactionOf(hours, small, newer(small, names), [
    ...prepared,
    [9.3, 'VERIFYING'],
    [14.2, 'COMMITTING', { downtime: away(names, 4.21) }],
    [0.3, 'COMMITTED'],
  ]);
}

function rolledBack(hours: number): Transaction {
  const note =
    'not healthy after 42 s: service orchestrator is unhealthy: connection to "postgres" <5432> refused & given up; http://localhost:8082/health HTTP 503: {"état":"dégradé — 起動に失敗しました"}';
  return transactionOf(hours, small, newer(small, ['orchestrator']), [
    ...prepared,
    [8.8, 'VERIFYING'],
    [42.1, 'ROLLING_BACK', { attempt: 1, note }],
    [0.1, 'ROLLING_BACK', { step: 'clear what an interrupted compose left' }],
    [0.2, 'ROLLING_BACK', { step: 'give 4 image names back their old meaning' }],
    [0.4, 'ROLLING_BACK', { step: 'check out 77af31c0de22' }],
    [0.8, 'ROLLING_BACK', { step: 'bring everything up until nothing changes any more' }],
    [6.7, 'VERIFYING_ROLLBACK'],
    [12.6, 'ROLLED_BACK', { note, downtime: away(['orchestrator'], 63.48) }],
  ]);
}

function moved(hours: number): Transaction {
  const names = Object.keys(large);
  return transactionOf(hours, large, newer(large, names), [
    ...prepared,
    [121, 'VERIFYING'],
    [31.7, 'COMMITTING', { downtime: away(names, 3.02) }],
    [0.4, 'COMMITTED'],
  ]);
}

function needsOperator(hours: number): Transaction {
  const note =
    'not healthy after 120 s: service knowledge-graph is crash-looping: restarted 3 times, last exit code 137; and the old release did not come back: not healthy after 120 s: service postgres has exited with code 1';
  return transactionOf(hours, small, newer(small, ['knowledge-graph', 'postgres']), [
    ...prepared,
    [8.8, 'VERIFYING'],
    [120.4, 'ROLLING_BACK', { attempt: 1, note: 'not healthy after 120 s' }],
    [7.4, 'VERIFYING_ROLLBACK'],
    [120.2, 'ROLLING_BACK', { attempt: 2, note: 'not healthy after 120 s' }],
    [7.9, 'VERIFYING_ROLLBACK'],
    [
      121.3,
      'NEEDS_OPERATOR',
      { note, downtime: [{ service: 'postgres', seconds: 391.2, goesOn: true }] },
    ],
  ]);
}

function aborted(hours: number): Transaction {
  const note =
    'no room for a backup in /home/geo/operation/backups: 812 MB needed (the work tree, the volumes, the largest file once more while it is replaced, images of this host and a reserve of 256 MB), 311 MB free';
  return transactionOf(hours, small, newer(small, ['orchestrator']), [
    ...prepared.slice(0, 4),
    [2.2, 'ABORTED', { note }],
  ]);
}

/** As an earlier version of the program wrote it: how long services were away was not measured then. */
function unmeasured(hours: number): Transaction {
  return transactionOf(hours, small, newer(small, ['proxy-für-außen']), [
    ...prepared,
    [3, 'VERIFYING'],
    [11, 'COMMITTING'],
    [0.2, 'COMMITTED'],
  ]);
}

const backup = (hours: number, sizeBytes: number): ReportInput['backups'][number] => {
  const at = new Date(START_MS + hours * HOUR_MS).toISOString();
  const name = `${at.replaceAll(/[-:]|\.\d+/g, '')}-backup`;
  return {
    name,
    createdAt: at,
    commit: commitOf(hours - 1),
    sizeBytes,
    files: Math.round(sizeBytes / 41_000),
    seconds: sizeBytes / 5e7,
    frozen: { seconds: 1.4 },
  };
};

/** A host on which everything has happened. */
export const busyReport: ReportInput = {
  madeAt: new Date(START_MS + 80 * HOUR_MS).toISOString(),
  version: '0.1.0-g4faa34755f29',
  host: 'warehouse-ost-03',
  project: 'autonomy',
  branch: 'embody-alpha',
  deployed: { commit: commitOf(72), at: new Date(START_MS + 72 * HOUR_MS).toISOString() },
  holds: ['on hold until Fri 2026-11-27 06:00, since 2026-11-23T08:00:00.000Z: die Messe'],
  needsOperator: undefined,
  transactions: [
    updated(72),
    rolledBack(66),
    moved(49),
    needsOperator(40),
    aborted(26),
    unmeasured(3),
  ],
  quarantine: [
    {
      commit: commitOf(66),
      image: null,
      reason: 'not healthy after 42 s: service orchestrator is unhealthy: connection refused',
      at: new Date(START_MS + 66 * HOUR_MS).toISOString(),
    },
    {
      commit: null,
      image: { reference: 'redis:7', digest: `sha256:${'5c'.repeat(32)}` },
      reason: 'not healthy after 31 s: service cache is unhealthy: exited with 1',
      at: new Date(START_MS + 70 * HOUR_MS).toISOString(),
    },
  ],
  backups: [
    backup(72, 4.81e9),
    backup(66, 4.79e9),
    backup(49, 4.1e9),
    backup(40, 3.2e8),
    backup(3, 2.9e8),
  ],
  verification: nothingVerified,
  engine: {
    version: '29.1.3',
    available: 'docker-ce 29.1.3 → 29.2.0',
    isUnfinished: false,
    upgradedAt: null,
  },
  secrets: [],
};

/** A host on which nothing has happened yet. */
export const emptyReport: ReportInput = {
  ...busyReport,
  deployed: undefined,
  holds: [],
  transactions: [],
  quarantine: [],
  backups: [],
  engine: { version: '', available: null, isUnfinished: false, upgradedAt: null },
};
