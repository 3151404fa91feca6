import type { InstalledHost } from '../lab/installed-host.ts';
import {
  describeCase,
  releaseKinds,
  type Case,
  type Cycle,
  type Cycles,
  type ReleaseKind,
} from './cases.ts';
import { playRound, type RoundResult } from './round.ts';
import {
  journalLines,
  nextTag,
  publish,
  startTortureHost,
  transactionsOf,
} from './torture-host.ts';

/** A case, and what came of it. */
export interface Played {
  readonly case: Case;
  readonly result: RoundResult;
  /** One line for a person; the journal below it where a promise was broken. */
  readonly text: string;
}

export interface TortureOptions {
  readonly cycles: Cycles;
  readonly hosts: number;
  readonly onPlayed: (played: Played) => void;
}

/** Brings a fresh host to the first release that the torture knows. */
async function begin(): Promise<{ host: InstalledHost; tag: string }> {
  const host = await startTortureHost();
  await host.update();
  await publish(host, 'v1', 'good');
  await host.update();
  const { exitStatus } = await host.unit();
  if (exitStatus !== 0) throw new Error(`the first update failed:\n${await host.journal()}`);
  return { host, tag: 'v1' };
}

/** How an update of each kind goes when nothing disturbs it. */
export async function measureCycles(): Promise<Cycles> {
  const { host } = await begin();
  try {
    let tag = 'v1';
    const cycles: Partial<Record<ReleaseKind, Cycle>> = {};
    for (const kind of releaseKinds) {
      await publish(host, nextTag(tag), kind);
      const before = new Set(transactionsOf(host));
      const { seconds } = await host.update();
      cycles[kind] = { lines: journalLines(host, before), milliseconds: seconds * 1000 };
      if (kind === 'good') tag = nextTag(tag);
    }
    return cycles as Cycles;
  } finally {
    await host.destroy();
  }
}

/** Plays all cases on some hosts at the same time. One on which a promise was broken is not used again. */
export async function torture(cases: readonly Case[], options: TortureOptions): Promise<void> {
  const queue = [...cases];
  const work = async (): Promise<void> => {
    while (queue.length > 0) await playOnOneHost(queue, options);
  };
  await Promise.all(Array.from({ length: options.hosts }, work));
}

async function playOnOneHost(queue: Case[], { cycles, onPlayed }: TortureOptions): Promise<void> {
  const begun = await begin();
  const { host } = begun;
  let { tag } = begun;
  try {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const since = (await host.bash('date "+%F %T"')).stdout;
      const result = await playRound(host, next, { tag, cycles }).catch((error: unknown) => ({
        problems: [`the round could not be played: ${String(error)}`],
        restedAt: 'neither' as const,
        recoveryMs: 0,
        met: false,
        tag,
      }));
      ({ tag } = result);
      const said = result.problems.length > 0 ? await evidence(host, since) : '';
      onPlayed({ case: next, result, text: `${textOf(next, result)}${said}` });
      if (result.problems.length > 0) return;
    }
  } finally {
    await host.destroy();
  }
}

function textOf(one: Case, { problems, restedAt, recoveryMs, met }: RoundResult): string {
  const rested = `${restedAt}, at rest after ${Math.round(recoveryMs)} ms`;
  const verdict = problems.length > 0 ? 'BROKEN' : met ? rested : `came too late; ${rested}`;
  return [`${describeCase(one)}: ${verdict}`, ...problems.map((problem) => `    ${problem}`)].join(
    '\n',
  );
}

/** What a person would look at: both journals, the containers, who listens. */
async function evidence(host: InstalledHost, since: string): Promise<string> {
  const script = [
    `journalctl --sync; journalctl -q --no-pager -o cat -t orchestrator-update --since '${since}'`,
    'docker ps -a; ss -lntpH; journalctl -q --no-pager -o cat -u docker -n 30',
  ].join('; ');
  const { stdout } = await host.bash(script).catch(() => ({ stdout: '' }));
  return `\n${stdout}`.replaceAll('\n', '\n      ');
}
