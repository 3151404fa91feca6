import { once } from 'node:events';
import path from 'node:path';
import { execa } from 'execa';
import { inLabNetwork } from './network.ts';

/** What the probes of one target saw. Times are milliseconds since the prober started. */
export type ProbeOutcome = {
  probes: number;
  /** Probes without a 200 within 250 ms. */
  failed: number;
  /** Failed probes times the step. */
  downMs: number;
  /** Unbroken runs of failed probes. */
  windows: { atMs: number; durationMs: number }[];
  /** When each version answered first. */
  firstSeen: Record<string, number>;
};

export type ProbeOutcomes = {
  /** When the prober started, in epoch milliseconds. */
  startedAtMs: number;
  targets: Record<string, ProbeOutcome>;
};

export type Prober = { stop: () => Promise<ProbeOutcomes> };

/**
 * Probe every URL each `stepMs` from a process of its own in the lab's network, until `stop`. It ends by itself when
 * this process dies.
 */
export async function startProber(
  targets: Record<string, string>,
  { stepMs = 20 }: { stepMs?: number } = {},
): Promise<Prober> {
  const program = path.join(import.meta.dirname, 'prober-main.ts');
  const settings = JSON.stringify({ stepMs, targets });
  const args = [...inLabNetwork, process.execPath, program, settings];
  const prober = execa('nsenter', args, { stdin: 'pipe' });
  await once(prober.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
  return {
    stop: async () => {
      prober.stdin.end();
      const { stdout } = await prober;
      const outcomes: ProbeOutcomes = JSON.parse(stdout.split('\n').at(-1) ?? '');
      return outcomes;
    },
  };
}

/** Probe targets for ports of a host: `{ knowledge: 8200 }` → `{ knowledge: 'http://…:8200/health' }`. */
export function healthTargets(
  host: { address: string },
  ports: Record<string, number>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, `http://${host.address}:${port}/health`]),
  );
}
