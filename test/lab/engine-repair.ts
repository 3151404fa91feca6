import type { Test } from 'tap';
import type { RepairOutcome } from '../../src/repair-engine.ts';
import type { EngineFault } from './engine-faults.ts';
import { startInstalled, type InstalledHost } from './installed-host.ts';

/** A host whose engine may be broken: its configuration is in a backup, and nobody else starts what Docker ends. */
export async function startForRepair(): Promise<InstalledHost> {
  const host = await startInstalled();
  await host.update();
  await host.cli('backup', 'create');
  // What is started with Docker waits for it for a minute, under the lock; what it would do, repair does itself.
  const away = '/run/systemd/system/orchestrator-update-recover.service.d';
  const script = `mkdir -p ${away}; printf '[Unit]\\nConditionPathExists=/nowhere\\n' >${away}/away.conf`;
  await host.bash(`${script}; systemctl daemon-reload`, { reject: true });
  return host;
}

export async function repair(
  host: InstalledHost,
  ...flags: string[]
): Promise<{ exitCode: number; outcome: RepairOutcome; said: string }> {
  const { exitCode, stdout, stderr } = await host.cli('engine', 'repair', '--json', ...flags);
  return { exitCode, outcome: JSON.parse(stdout) as RepairOutcome, said: `${stdout}\n${stderr}` };
}

/** Breaks the engine, has it mended, and looks at what users see; the seconds until it was well again. */
export async function mends(
  t: Test,
  host: InstalledHost,
  { breakIt, rungs, maxRung, after = 'true', quiet = '/dev/null' }: EngineFault,
): Promise<number> {
  const keep = 'for v in /var/lib/docker/volumes/*/_data; do echo kept >>$v/kept; done';
  const kept = 'cat /var/lib/docker/volumes/*/_data/kept | wc -l';
  const before = (await host.bash(`${keep}; ${kept}`, { reject: true })).stdout;
  t.ok(Number(before) > 0, 'there is something to lose');
  await host.bash(breakIt, { timeoutSeconds: 200 });
  const flags = maxRung === undefined ? [] : ['--max-rung', String(maxRung)];
  const dry = await repair(host, '--dry-run', ...flags);
  t.equal(dry.exitCode, 10, `it is broken: ${dry.said}`);
  const startedAt = performance.now();
  const { exitCode, outcome, said } = await repair(host, ...flags);
  await host.bash(after);
  t.equal(exitCode, 0, said);
  t.same(
    outcome.rungs.map(({ number }) => number),
    rungs,
    said,
  );
  await host.waitHealthy();
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  t.comment(`${seconds} s`);
  t.equal((await host.bash(kept)).stdout, before);
  t.equal((await repair(host)).outcome.state, 'well');
  t.equal((await host.containers()).length, 3);
  const tasks = await host.bash('ctr --namespace moby tasks ls --quiet | wc -l');
  t.equal(tasks.stdout, '3', 'nothing runs that Docker does not know');
  const sizes = await host.bash(`stat -c %s ${quiet}; sleep 1; stat -c %s ${quiet}`);
  t.equal(new Set(sizes.stdout.split('\n')).size, 1, 'nobody writes to it any more');
  return seconds;
}
