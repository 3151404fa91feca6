import type { Test } from 'tap';
import { poll } from './command.ts';
import { servicePorts, startServices } from './cluster.ts';
import { versions } from './cluster-view.ts';
import type { InstalledHost } from './installed-host.ts';

/** There while a transaction is under way. */
export const activeFile = '/var/lib/orchestrator-update/active';

/** What must not change when an update is refused. */
export type Picture = {
  /** `name id startedAt`: neither replaced nor restarted. */
  containers: string[];
  /** The commit of the work tree. */
  head: string;
  /** Everything in the backups directory, hidden partial copies included. */
  backups: string[];
};

/** What the host looks like now. */
export async function takePicture(host: InstalledHost): Promise<Picture> {
  const containers = (await host.containers()).map(
    ({ name, id, startedAt }) => `${name} ${id} ${startedAt}`,
  );
  return { containers, head: await host.head(), backups: await backupsOf(host) };
}

/** Asserts that the same containers run, at the same commit, and that no backup came or went. */
export async function expectUntouched(
  t: Test,
  host: InstalledHost,
  before: Picture,
): Promise<void> {
  t.same(await takePicture(host), before, 'containers, work tree and backups are as they were');
  t.notOk(await hasFile(host, activeFile), 'no transaction is open');
}

/** What the ports of the start services serve when all are at one version. */
export function allAt(version: string): Record<number, string> {
  return Object.fromEntries(startServices.map((service) => [servicePorts[service], version]));
}

/** Names in the backups directory, `latest` left out, hidden ones included. */
export async function backupsOf(host: InstalledHost): Promise<string[]> {
  const { stdout } = await host.run('ls', ['-A', '/home/geo/operation/backups']);
  return stdout.split('\n').filter((name) => name !== '' && name !== 'latest');
}

export async function hasFile(host: InstalledHost, path: string): Promise<boolean> {
  return (await host.run('test', ['-e', path])).exitCode === 0;
}

/** Where the journal of the updater ends now: what comes later is said after it. */
export async function journalEnd(host: InstalledHost): Promise<number> {
  return (await host.journal()).length;
}

/** Waits until the journal of the updater, from `since` on, matches; throws with its tail after the time. */
export async function waitForJournal(
  host: InstalledHost,
  pattern: RegExp,
  { since = 0, timeoutSeconds = 60 } = {},
): Promise<void> {
  let text = '';
  const seen = await poll(
    async () => {
      text = (await host.journal()).slice(since);
      return pattern.test(text) ? true : undefined;
    },
    { timeoutSeconds, stepMs: 100 },
  );
  if (seen) return;
  throw new Error(`${pattern} is not in the journal:\n${text.split('\n').slice(-20).join('\n')}`);
}

/** Waits until no transaction is open; throws with the journal after the time. */
export async function waitUntilClosed(host: InstalledHost, timeoutSeconds = 90): Promise<void> {
  const closed = await poll(async () => ((await hasFile(host, activeFile)) ? undefined : true), {
    timeoutSeconds,
    stepMs: 200,
  });
  if (!closed) throw new Error(`the transaction is still open:\n${await host.journal()}`);
}

/** Waits until neither unit of the updater is at work: one that has closed its transaction still has the lock. */
export async function waitUntilIdle(host: InstalledHost, timeoutSeconds = 170): Promise<void> {
  const units = ['orchestrator-update.service', 'orchestrator-update-recover.service'];
  const idle = await poll(
    async () => {
      const { stdout } = await host.run('systemctl', ['is-active', ...units]);
      return /activ(e|ating)/m.test(stdout.replaceAll('inactive', '')) ? undefined : true;
    },
    { timeoutSeconds, stepMs: 200 },
  );
  if (!idle) throw new Error(`still at work:\n${await host.journal()}`);
}

/**
 * `systemctl start`, which has to end as said: the exit status systemd saw, and what the journal
 * says since. A start succeeds exactly when that status is 0.
 */
export async function expectUpdate(
  t: Test,
  host: InstalledHost,
  exitStatus: number,
): Promise<string> {
  const before = await journalEnd(host);
  const { exitCode } = await host.update();
  const said = (await host.journal()).slice(before);
  const seen = { started: exitCode === 0, exitStatus: (await host.unit()).exitStatus };
  if (!t.same(seen, { started: exitStatus === 0, exitStatus }, 'systemctl start')) t.comment(said);
  return said;
}

/** Starts an update that has to be refused: a failed start, nothing changed. Returns what it says. */
export async function expectRefusal(t: Test, host: InstalledHost, exitStatus = 1): Promise<string> {
  const before = await takePicture(host);
  const said = await expectUpdate(t, host, exitStatus);
  await expectUntouched(t, host, before);
  return said;
}

/** Starts an update without waiting for it, and returns when the journal shows the moment. */
export async function startAndMeet(host: InstalledHost, moment: RegExp): Promise<void> {
  const since = await journalEnd(host);
  const start = ['start', '--no-block', 'orchestrator-update.service'];
  await host.run('systemctl', ['reset-failed', 'orchestrator-update.service']);
  await host.run('systemctl', start, { reject: true });
  await waitForJournal(host, moment, { since });
}

/** Waits for the recovery of the boot; then one of the releases is there: work tree and every service. */
export async function expectWhole(
  t: Test,
  host: InstalledHost,
  expected: Record<string, string>,
): Promise<void> {
  await waitUntilClosed(host);
  await host.waitHealthy();
  const head = await host.head();
  t.same(
    await versions(host),
    allAt(expected[head] ?? 'nothing'),
    `one whole release, that of ${head.slice(0, 12)}`,
  );
  const { deployed } = JSON.parse((await host.cli('status', '--json')).stdout);
  // Nothing is recorded before the first update of a host: then the work tree tells.
  if (deployed) t.equal(deployed.commit, head, 'and is what is recorded');
  t.notOk(await hasFile(host, activeFile), 'no transaction is open');
  const status = ['-C', host.workTree, 'status', '--porcelain', '--untracked-files=no'];
  t.equal((await host.run('git', status, { user: 'geo' })).stdout, '', 'the work tree is clean');
}
