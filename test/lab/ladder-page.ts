/** `npm run --silent ladder:page`: prints docs/ladder.md, from the results of the last `npm run ladder`. */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Where `npm run ladder` leaves its results. */
export const LADDER_RESULTS = '.tap/ladder.json';

/** One way in which the engine was broken, and what became of it. */
export interface LadderRow {
  readonly title: string;
  readonly rungs: readonly number[];
  /** From `engine repair` to a cluster that is healthy. */
  readonly seconds: number;
}

function ladderPage(machine: string, rows: readonly LadderRow[]): string {
  return [
    '# What `engine repair` has mended',
    '',
    'Each was broken on purpose on a real host with three services that write to volumes, and mended by',
    '`orchestrator-update engine repair` (`npm run ladder`). In every one the volumes kept all that had been written (where',
    'they were gone: all that the backup of a moment before had), the published ports answered again, and a second `engine',
    'repair` found nothing to do. Looking three times before what runs is ended takes about 20 s of the time; a dockerd',
    'without live-restore that is stopped takes up to 20 s for each container. Rungs above 13 were allowed by name. The',
    'rungs are explained in [recovery.md](recovery.md).',
    '',
    `Measured on ${machine}.`,
    '',
    '| broken | mended by rung | until all was healthy |',
    '|---|---|---|',
    ...rows
      .toSorted((left, right) => Math.max(...left.rungs) - Math.max(...right.rungs))
      .map(({ title, rungs, seconds }) => `| ${title} | ${rungs.join(', ')} | ${seconds} s |`),
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { machine, rows } = JSON.parse(readFileSync(LADDER_RESULTS, 'utf8')) as {
    machine: string;
    rows: LadderRow[];
  };
  process.stdout.write(ladderPage(machine, rows));
}
