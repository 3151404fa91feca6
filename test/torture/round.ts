import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { versions } from '../lab/cluster-view.ts';
import type { InstalledHost } from '../lab/installed-host.ts';
import type { Case, Cycles, Event, Moment } from './cases.ts';
import { killIn } from './processes.ts';
import {
  journalLines,
  leftovers,
  markIn,
  nextTag,
  ports,
  publish,
  transactionsOf,
} from './torture-host.ts';
import { acknowledged, lostWrites } from './writer.ts';

const unit = 'orchestrator-update.service';
/** How long an update may take before the event is called missed, and a host to come to rest after it. */
const PATIENCE_MS = 60_000;
const REST_MS = 180_000;
/** A release that the host crashes with is tried once more before it is quarantined. */
const RUNS_AFTER = 3;

/** What one round found. */
export interface RoundResult {
  /** Broken promises; none is what is wanted. */
  readonly problems: readonly string[];
  /** The release the host came to rest at, before anything else was started. */
  readonly restedAt: 'old' | 'new' | 'neither';
  /** From the event until the host was at rest. */
  readonly recoveryMs: number;
  /** Whether the event came before the update was over. */
  readonly met: boolean;
  /** What every service says after the round. */
  readonly tag: string;
}

/** Publishes, updates, disturbs, waits, and looks whether the promise was kept. */
export async function playRound(
  host: InstalledHost,
  one: Case,
  { tag, cycles }: { tag: string; cycles: Cycles },
): Promise<RoundResult> {
  const mark = markIn(host);
  const [old, now] = [tag, nextTag(tag)];
  await publish(host, now, one.release);
  const before = new Set(transactionsOf(host));
  await startUnit(host);
  const met = await meet(host, one.moment, { before, usualMs: cycles[one.release].milliseconds });
  const heard = await acknowledged(host);
  const startedAt = performance.now();
  await act(host, one.event);
  const problems = [...(await atRest(host))];
  const recoveryMs = performance.now() - startedAt;
  const rested = await oneVersion(host);
  const allowed = one.release === 'good' ? [old, now] : [old];
  if (!allowed.includes(rested)) problems.push(`it came to rest at ${rested}`);
  problems.push(...(await leftovers(host)).map((what) => `at rest: ${what}`));

  const wanted = one.release === 'good' ? now : old;
  problems.push(...(await laterRuns(host, one.release === 'good', wanted)));
  problems.push(...(await lostWrites(host, heard ?? 0)));
  if (markIn(host) !== mark) problems.push('a file in a volume is another one');
  const restedAt = rested === old ? 'old' : rested === now ? 'new' : 'neither';
  return { problems, restedAt, recoveryMs, met, tag: wanted };
}

async function startUnit(host: InstalledHost): Promise<void> {
  await host.run('systemctl', ['reset-failed']);
  await host.run('systemctl', ['start', '--no-block', unit], { reject: true });
}

/** Waits for the moment; false when the update was over before. */
async function meet(
  host: InstalledHost,
  moment: Moment,
  { before, usualMs }: { before: ReadonlySet<string>; usualMs: number },
): Promise<boolean> {
  if (moment.at === 'time') {
    await wait(usualMs * moment.fraction);
    return moment.fraction < 1;
  }
  const until = performance.now() + PATIENCE_MS;
  while (performance.now() < until) {
    if (journalLines(host, before) >= moment.line) return true;
    await wait(2);
  }
  return false;
}

async function act(host: InstalledHost, event: Event): Promise<void> {
  switch (event) {
    case 'kill the updater':
      killIn(host.name, 'updater');
      return;
    case 'kill docker compose':
      killIn(host.name, 'compose');
      return;
    case 'kill dockerd':
      killIn(host.name, 'dockerd');
      return;
    case 'kill containerd':
      killIn(host.name, 'containerd');
      return;
    case 'systemctl stop':
      await host.run('systemctl', ['stop', unit], { timeoutSeconds: 150 });
      return;
    case 'power cut':
      await host.powerCut();
      return host.boot();
    case 'power cut, unsynced writes lost':
      await host.cutUnsynced();
      return host.boot();
    case 'disk full, until the run is over':
      return withFullDisk(host);
    case 'disk turned read-only, then a reboot':
      await host.failDisk();
      await waitUntilOver(host);
      await host.cutUnsynced();
      return host.boot();
  }
}

/** Fills the last block, and makes room again when the run is over; then the timer would start the next. */
async function withFullDisk(host: InstalledHost): Promise<void> {
  const fillers = '/var/tmp/fill /var/tmp/rest';
  const fill =
    'fallocate -l "$(df --output=avail -B1 / | tail -n 1)" /var/tmp/fill; dd if=/dev/zero of=/var/tmp/rest bs=4k';
  await host.bash(fill);
  await waitUntilOver(host);
  await host.bash(`rm -f ${fillers}`, { reject: true });
  if (existsSync(join(host.root, '/var/lib/orchestrator-update/active'))) await host.update();
}

/** However bad the host is, a run ends. */
async function waitUntilOver(host: InstalledHost): Promise<void> {
  const until = performance.now() + REST_MS;
  while (performance.now() < until) {
    const { stdout } = await host.run('systemctl', ['is-active', unit]);
    if (/^(inactive|failed)$/.test(stdout.trim())) return;
    await wait(150);
  }
  throw new Error(`the run is not over after ${REST_MS / 1000} s`);
}

/** Waits until neither unit is at work and no transaction is open. */
async function atRest(host: InstalledHost): Promise<string[]> {
  const until = performance.now() + REST_MS;
  let seen = '';
  while (performance.now() < until) {
    const script =
      'systemctl is-active multi-user.target orchestrator-update.service orchestrator-update-recover.service docker; ' +
      'test ! -e /var/lib/orchestrator-update/active && echo closed; systemctl list-jobs --no-legend | grep -c orchestrator-update';
    seen = (await host.bash(script)).stdout.replaceAll('\n', ' ');
    if (/^active (inactive|failed) (inactive|failed) active closed 0$/.test(seen)) return [];
    await wait(150);
  }
  return [`not at rest after ${REST_MS / 1000} s: ${seen}`];
}

/** The version that every port serves; else what they serve. They have some seconds to come up. */
async function oneVersion(host: InstalledHost): Promise<string> {
  let served: (string | undefined)[] = [];
  for (let tries = 0; tries < 40; tries++) {
    served = Object.values(await versions(host, ports));
    const [first] = served;
    if (first !== undefined && served.every((one) => one === first)) return first;
    await wait(250);
  }
  return served.map((one) => one ?? 'nothing').join(', ');
}

/** The next runs are normal: a good release is taken, a bad one is taken back and then held. */
async function laterRuns(host: InstalledHost, isGood: boolean, wanted: string): Promise<string[]> {
  const statuses: number[] = [];
  for (let run = 1; run <= RUNS_AFTER; run++) {
    await host.update();
    const { exitStatus } = await host.unit();
    statuses.push(exitStatus);
    const expected = isGood ? [0] : [0, 12];
    if (!expected.includes(exitStatus)) return [`a later run ended with ${exitStatus}`];
    if (exitStatus === 0) break;
  }
  const problems = (await leftovers(host)).map((what) => `after the next run: ${what}`);
  const served = await oneVersion(host);
  if (statuses.at(-1) !== 0) problems.push(`later runs ended with ${statuses.join(', ')}`);
  if (served !== wanted)
    problems.push(`after the next run every service should say ${wanted}: ${served}`);
  return problems;
}
