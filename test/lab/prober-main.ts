// A process of its own, run in the lab's network: `prober-main.ts '{"stepMs":20,"targets":{"NAME":"http://…/health"}}'`.
// Probes every target each step until standard input closes, then prints the outcome as one JSON line.
import { get } from 'node:http';
import type { ProbeOutcome, ProbeOutcomes } from './prober.ts';

type Settings = { stepMs: number; targets: Record<string, string> };
/** One target's probes: true = 200 in time. A probe without an answer yet counts as failed. */
type Series = { url: string; good: boolean[]; firstSeen: Record<string, number> };

const answerWithinMs = 250;
const settings: Settings = JSON.parse(process.argv[2] ?? '{}');
const startedAtMs = Date.now();
const started = performance.now();
const series = Object.entries(settings.targets).map(([name, url]): [string, Series] => [
  name,
  { url, good: [], firstSeen: {} },
]);

function probe(target: Series, index: number): void {
  target.good[index] = false;
  const request = get(target.url, { agent: false, timeout: answerWithinMs }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
    });
    response.on('end', () => {
      const late = performance.now() - started - index * settings.stepMs > answerWithinMs * 2;
      if (response.statusCode !== 200 || late) return;
      target.good[index] = true;
      const version = /"version":"([^"]*)"/.exec(body)?.[1];
      if (version !== undefined) target.firstSeen[version] ??= index * settings.stepMs;
    });
    response.on('error', () => undefined);
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => undefined);
}

function outcomeOf(target: Series): ProbeOutcome {
  const windows: ProbeOutcome['windows'] = [];
  for (const [index, good] of target.good.entries()) {
    if (good) continue;
    const atMs = index * settings.stepMs;
    const last = windows.at(-1);
    if (last !== undefined && last.atMs + last.durationMs === atMs) {
      last.durationMs += settings.stepMs;
    } else {
      windows.push({ atMs, durationMs: settings.stepMs });
    }
  }
  const failed = target.good.filter((good) => !good).length;
  const { firstSeen, good } = target;
  return { probes: good.length, failed, downMs: failed * settings.stepMs, windows, firstSeen };
}

let index = 0;
const timer = setInterval(() => {
  const due = Math.floor((performance.now() - started) / settings.stepMs);
  for (; index <= due; index += 1) {
    for (const [, target] of series) probe(target, index);
  }
}, 5);

process.stdout.write('probing\n');
process.stdin.resume();
process.stdin.on('end', () => {
  clearInterval(timer);
  setTimeout(() => {
    const targets = Object.fromEntries(series.map(([name, target]) => [name, outcomeOf(target)]));
    const outcomes: ProbeOutcomes = { startedAtMs, targets };
    process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
  }, answerWithinMs + 50);
});
