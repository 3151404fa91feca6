import { poll } from '../lab/command.ts';
import { checkDatabase } from '../lab/database-checks.ts';
import { databaseKinds, publishDatabaseImages, type DatabaseKind } from '../lab/database-images.ts';
import { databaseServices, waitWriting, writtenTransactions } from '../lab/databases.ts';
import { startInstalled, type InstalledHost } from '../lab/installed-host.ts';

export const backups = '/home/geo/operation/backups';
const restored = '/var/tmp/restored';
const state = '/var/lib/orchestrator-update';

/** What the databases had committed at some moment. */
export type Written = Readonly<Record<DatabaseKind, number>>;

/** A host whose cluster has every database, and a writer in each. */
export async function startWithDatabases(): Promise<InstalledHost> {
  const host = await startInstalled();
  await publishDatabaseImages();
  await host.update();
  await host.pushCluster({ services: databaseServices() });
  const { exitCode } = await host.update();
  if (exitCode !== 0) throw new Error(`the databases do not come up:\n${await host.journal()}`);
  await waitWriting(host);
  return host;
}

export async function written(host: InstalledHost): Promise<Written> {
  const each = databaseKinds.map(async (kind) => [kind, await writtenTransactions(host, kind)]);
  return Object.fromEntries(await Promise.all(each)) as Written;
}

/** Restores the newest backup beside the cluster, and has every database judge its own files. */
export async function judgeNewest(
  host: InstalledHost,
  before: Written | undefined,
): Promise<Partial<Record<DatabaseKind, string>>> {
  await host.run('rm', ['-rf', restored], { reject: true });
  const { exitCode, stderr } = await host.cli('restore', '--to', restored);
  if (exitCode !== 0) throw new Error(`restore ended with ${exitCode}: ${stderr}`);
  const problems: Partial<Record<DatabaseKind, string>> = {};
  for (const kind of databaseKinds) {
    const directory = `${restored}/volumes/autonomy_${kind}_data`;
    const { problem, transactions } = await checkDatabase(host, kind, directory);
    const missing = (before?.[kind] ?? 0) - transactions;
    if (problem !== undefined) problems[kind] = problem;
    else if (missing > 0) problems[kind] = `${missing} transactions from before are missing`;
  }
  await host.run('rm', ['-rf', restored], { reject: true });
  return problems;
}

/**
 * What is wrong with a host that should have come to rest. A Docker that was killed may come back with a container that it
 * does not know to run (26.1.5): what a person would type is tried then, and said.
 */
export async function afterwards(
  host: InstalledHost,
  say: (line: string) => void,
): Promise<string[]> {
  const units = 'orchestrator-update.service orchestrator-update-recover.service';
  const isIdle = await poll(
    async () => {
      const isAtWork = `systemctl is-active ${units} | grep -qE '^(de)?activ(e|ating)'`;
      const script = `! pgrep -f 'bin/[n]ode .* (backup|restore) ' && ! { ${isAtWork}; }`;
      // A Docker that was killed is away for a moment.
      const states = (await host.containers().catch(() => [])).map((one) => one.state);
      const isRunning = states.length > 0 && states.every((one) => one === 'running');
      return isRunning && (await host.bash(script)).exitCode === 0 ? true : undefined;
    },
    { timeoutSeconds: 120, stepMs: 300 },
  );
  if (!isIdle) {
    const seen = await evidence(host);
    const repaired = await host.cli('engine', 'repair');
    if (repaired.exitCode !== 0 || !/rung/.test(repaired.stdout)) {
      return [`not at rest after 120 s: ${repaired.stdout}\n${seen}`];
    }
    say(`  Docker itself was broken: ${repaired.stdout}`);
  }
  const problems: string[] = [];
  const verified = await host.cli('backup', 'verify');
  if (verified.exitCode !== 0) problems.push(`the newest: ${verified.stdout}${verified.stderr}`);
  const latest = (await host.bash(`basename "$(readlink ${backups}/latest)"`)).stdout.trim();
  const ofLatest = await host.cli('backup', 'verify', latest);
  if (ofLatest.exitCode !== 0) problems.push(`latest: ${ofLatest.stdout}${ofLatest.stderr}`);
  const next = await host.cli('backup', 'create');
  if (next.exitCode !== 0) problems.push(`the next backup: ${next.stderr}`);
  const left = await host.bash(
    `ls -A ${backups} | grep '^[.]'; ls ${state}/frozen.json 2>/dev/null`,
  );
  if (left.stdout !== '') problems.push(`left: ${left.stdout}`);
  return problems;
}

/** What a person would look at. */
async function evidence(host: InstalledHost): Promise<string> {
  const script = [
    'docker ps -a --format "{{.Names}} {{.State}} {{.Status}}"',
    `docker inspect --format '{{.Name}} {{.RestartCount}} {{json .State}}' $(docker ps -aq)`,
    'ss -lntpH; ps axf | tail -n 40',
    'journalctl --sync; journalctl -q --no-pager -o short-precise -u docker -n 60',
    'journalctl -q --no-pager -o short-precise -t orchestrator-update -n 40',
  ].join('; ');
  return (await host.bash(`{ ${script}; } 2>&1`)).stdout;
}
