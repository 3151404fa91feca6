import { readFileSync } from 'node:fs';
import { sleep } from '../test/lab/command.ts';
import { cgroupOf } from '../test/lab/paths.ts';
import { type Figure, median } from './figures.ts';

/** What a unit's processes took at most, in kB. */
export interface PeakMemory {
  /** The updater itself: its high-water mark, as the kernel keeps it. */
  readonly nodeKb: number;
  /** It and its children together; shared pages count once for each that shares them. */
  readonly treeKb: number;
}

const SAMPLE_MS = 20;

/**
 * Watches a unit of a lab host from outside until `stop`. Not MemoryPeak= of systemd: where the
 * outer machine has its memory controller in cgroup v1, a guest has none.
 */
export function watchMemory(host: string, unit: string): { stop: () => Promise<PeakMemory> } {
  const processes = `${cgroupOf(host)}/payload/system.slice/${unit}/cgroup.procs`;
  let peak: PeakMemory = { nodeKb: 0, treeKb: 0 };
  const end = new AbortController();
  const watching = (async () => {
    while (!end.signal.aborted) {
      const tree = readIf(processes).split('\n').filter(Boolean).map(memoryOf);
      peak = {
        nodeKb: Math.max(peak.nodeKb, ...tree.map(({ isNode, highKb }) => (isNode ? highKb : 0))),
        treeKb: Math.max(
          peak.treeKb,
          tree.reduce((sum, { nowKb }) => sum + nowKb, 0),
        ),
      };
      await sleep(SAMPLE_MS);
    }
  })();
  return {
    stop: async () => {
      end.abort();
      await watching;
      return peak;
    },
  };
}

function memoryOf(id: string): { isNode: boolean; highKb: number; nowKb: number } {
  const status = readIf(`/proc/${id}/status`);
  const value = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  // Its threads give Node's main one another name; the program file does not change.
  const isNode = readIf(`/proc/${id}/cmdline`).includes('/bin/node\0');
  return { isNode, highKb: value('VmHWM'), nowKb: value('VmRSS') };
}

/** A process that has ended has no file any more. */
function readIf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The largest of all updates counts. */
export function memoryFigure(peaks: readonly PeakMemory[]): Figure {
  const highest = Math.max(...peaks.map(({ nodeKb }) => nodeKb));
  const typical = median(peaks.map(({ nodeKb }) => nodeKb));
  const tree = Math.max(...peaks.map(({ treeKb }) => treeKb));
  return {
    name: 'memory of a whole update, peak',
    ours: `${mb(highest)} MB (median ${mb(typical)}, n=${peaks.length})`,
    theirs: `with git, rsync and docker compose as its children: ${mb(tree)} MB`,
    ratio: undefined,
    target: '< 120 MB',
    met: highest > 0 && highest < 120 * 1024,
  };
}

function mb(kb: number): string {
  return (kb / 1024).toFixed(0);
}
