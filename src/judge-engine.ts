import { certainIn } from './core/engine-certain.ts';
import type { EngineClient } from './core/engine-clients.ts';
import { differencesOf, dockerdIn, shutOut } from './core/engine-transaction.ts';
import type { EngineTransaction } from './engine-records.ts';
import { messageOf } from './errors.ts';
import type { UpgradeHost } from './host/upgrade-host.ts';

/** How long an engine is given. Times in seconds. */
export interface EngineWish {
  /** What is restarted may take this long to be well. */
  readonly settleSeconds: number;
  /** How long it is watched after that. */
  readonly holdSeconds: number;
}

/** How an engine is to be. */
export interface Expected {
  /** The version of dockerd is that of before (`from`), or of after the upgrade (`to`). */
  readonly side: 'from' | 'to';
  /** Containers may have been restarted. */
  readonly mayRestart: boolean;
  /** Who has to be understood. */
  readonly clients: readonly EngineClient[];
}

const BETWEEN_LOOKS_SECONDS = 2;

/** What is wrong with the engine as it is now; nothing where all is well. */
export async function problemsOf(
  host: UpgradeHost,
  { changes, before }: EngineTransaction,
  { side, mayRestart, clients }: Expected,
): Promise<string[]> {
  const probes = await host.probe();
  const failed = probes
    .filter(({ state }) => state === 'failed')
    .map(({ name, detail }) => `${name}: ${detail}`);
  if (probes[0]?.state !== 'ok') return failed;
  try {
    const view = await host.view();
    const wanted = dockerdIn(changes, side);
    const isOther = wanted !== undefined && !view.version.startsWith(wanted);
    return [
      ...failed,
      ...(isOther ? [`dockerd ${view.version} runs instead of ${wanted}`] : []),
      // What somebody has removed meanwhile does not come back by old packages.
      ...differencesOf(before, view, { mayRestart, onlyContainers: side === 'from' }),
      ...shutOut(clients, view.oldestApi),
    ];
  } catch (error) {
    return [...failed, messageOf(error)];
  }
}

/**
 * Waits until nothing is wrong; what still is when the time is up, or two looks in a row say the same of what cannot
 * change.
 */
export async function becomesWell(
  host: UpgradeHost,
  transaction: EngineTransaction,
  expected: Expected & EngineWish,
): Promise<string[]> {
  const until = host.now().getTime() + expected.settleSeconds * 1000;
  for (let before: readonly string[] = []; ;) {
    const problems = await problemsOf(host, transaction, expected);
    if (problems.length === 0 || host.now().getTime() >= until || host.isStopping())
      return problems;
    const certain = certainIn(problems);
    if (certain.some((problem) => before.includes(problem))) return problems;
    before = certain;
    await host.pause(BETWEEN_LOOKS_SECONDS);
  }
}
