import t from 'tap';
import { checkDump, dumpFiles } from '../database-dumps.ts';
import { checkDatabase, type DatabaseVerdict } from '../database-checks.ts';
import { type DatabaseKind, databaseKinds, publishDatabaseImages } from '../database-images.ts';
import {
  databaseComposeFile,
  databaseDirectory,
  databaseLogin,
  databaseVolume,
  waitWriting,
  writtenTransactions,
} from '../databases.ts';
import { startInstalled } from '../installed-host.ts';
import type { LabHost } from '../lab-host.ts';
import { expectUpdate } from '../picture.ts';

type Verdicts = Record<DatabaseKind, DatabaseVerdict>;

const rounds = 3;
const everyone = databaseKinds.join(' ');
const copies = '/var/tmp/copies';
const latest = '/home/geo/operation/backups/latest';
const project = '/home/geo/operation/autonomy';

const copyScript = [
  `rm -rf ${copies}`,
  `mkdir ${copies}`,
  ...databaseKinds.map((kind) => `cp -a ${databaseDirectory(kind)} ${copies}/${kind}`),
].join('\n');

const update = 'UPDATE accounts SET balance = balance + 1 WHERE id = 7';
/** Makes one unit of money from nothing. */
const forgeries: Record<DatabaseKind, string[]> = {
  postgres: ['psql', '--username=autonomy', '--quiet', `--command=${update}`],
  mariadb: ['mariadb', 'autonomy', `--execute=${update}`],
  redis: ['redis-cli', '-a', databaseLogin.password, '--no-auth-warning', 'INCR', 'balance:7'],
  sqlite: ['sqlite3', '-cmd', '.timeout 9000', '/var/lib/sqlite/wal.db', update],
};

await t.test('databases that are written to all the time', async (t) => {
  const host = await startInstalled({ onProgress: (line) => t.comment(line) });
  t.teardown(() => host.destroy());
  await publishDatabaseImages((line) => t.comment(line));
  const files = { 'docker-compose.yml': databaseComposeFile({ dumps: true }) };
  await host.pushRelease({ message: 'Nothing but databases', files });
  await expectUpdate(t, host, 0);
  await waitWriting(host);

  await t.test('backed up by the updater: copied whole, and dumped', async (t) => {
    const [before, inJournal] = [await written(host), await writtenToJournal(host)];
    const { exitCode, stderr } = await host.cli('backup', 'create');
    t.equal(exitCode, 0, stderr);
    const copied = await forEach((kind) =>
      checkDatabase(host, kind, `${latest}/volumes/${databaseVolume(kind)}`),
    );
    const dumped = await forEach((kind) =>
      checkDump(host, kind, `${latest}/dumps/${dumpFiles[kind]}`),
    );
    for (const kind of databaseKinds) {
      t.match(copied[kind], { consistent: true }, `${kind}: ${copied[kind].problem ?? 'whole'}`);
      t.ok(copied[kind].transactions >= before[kind], `${kind}: all of it is in the copy`);
      const { problem = 'whole', transactions } = dumped[kind];
      t.match(dumped[kind], { consistent: true }, `dump of ${kind}: ${problem}`);
      const least = kind === 'sqlite' ? inJournal : before[kind];
      t.ok(transactions >= least, `${kind}: ${transactions} in its dump, ${least} before`);
      t.ok(transactions <= copied[kind].transactions, `${kind}: dumped first`);
    }
  });

  await t.test('copied while all are paused: whole, every time', async (t) => {
    for (let round = 1; round <= rounds; round += 1) {
      const before = await written(host);
      await copyPaused(host);
      for (const [kind, verdict] of entries(await judge(host))) {
        t.ok(verdict.consistent, `${kind}: ${verdict.problem ?? 'consistent'}`);
        t.ok(verdict.transactions >= before[kind], `${kind}: nothing committed is missing`);
      }
    }
    await host.bash(`mv ${copies} ${copies}.good`, { reject: true });
  });

  await t.test('copied while they write: torn, and seen to be', async (t) => {
    const problems: string[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      // A file that went away while it was copied is one of the reasons.
      await host.bash(copyScript);
      for (const [kind, { problem }] of entries(await judge(host))) {
        if (problem !== undefined) problems.push(`${kind}: ${problem.slice(0, 200)}`);
      }
    }
    for (const problem of problems) t.comment(problem);
    const torn = (part: string): number => problems.filter((one) => one.includes(part)).length;
    for (const part of ['postgres:', 'mariadb:', 'redis:', 'journal.db:', 'wal.db:']) {
      t.comment(`${part} ${torn(part)} of ${rounds} copies are bad`);
    }
    t.ok(torn('sqlite:') > 0, 'SQLite');
    t.ok(torn('postgres:') > 0, 'PostgreSQL');
  });

  await t.test('killed, and restored from a copy: they go on from there', async (t) => {
    const before = await written(host);
    await host.bash(`set -e\ndocker kill ${everyone}\n${copyScript}`, { reject: true });
    const killed = await judge(host);
    for (const [kind, verdict] of entries(killed)) {
      t.match(verdict, { consistent: true }, `${kind} was killed: ${verdict.problem ?? 'whole'}`);
      t.ok(verdict.transactions >= before[kind], `${kind}: nothing committed is missing`);
    }
    await restore(host, `${copies}.good`);
    await compose(host, 'start');
    await waitWriting(host);
    await compose(host, 'stop');
    await host.bash(`set -e\n${copyScript}`, { reject: true });
    for (const [kind, verdict] of entries(await judge(host))) {
      t.match(verdict, { consistent: true }, `${kind}: ${verdict.problem ?? 'whole'}`);
      const { transactions } = verdict;
      t.comment(`${kind}: ${killed[kind].transactions} before, ${transactions} after the restore`);
    }
    await compose(host, 'start');
    await waitWriting(host);
  });

  await t.test('one unit of money from nowhere is found in each', async (t) => {
    for (const [kind, forge] of entries(forgeries)) {
      await host.run('docker', ['exec', kind, ...forge], { reject: true });
    }
    await copyPaused(host);
    for (const [kind, verdict] of entries(await judge(host))) {
      t.match(verdict, { consistent: false, problem: /add up to 20000001, not 20000000/ }, kind);
    }
  });
});

function entries<K extends string, V>(record: Record<K, V>): [K, V][] {
  return Object.entries(record) as [K, V][];
}

async function copyPaused(host: LabHost): Promise<void> {
  const lines = [`trap 'docker unpause ${everyone}' EXIT`, `docker pause ${everyone}`, copyScript];
  await host.bash(`set -e\n${lines.join('\n')}`, { reject: true });
}

async function judge(host: LabHost): Promise<Verdicts> {
  return forEach((kind) => checkDatabase(host, kind, `${copies}/${kind}`));
}

async function written(host: LabHost): Promise<Record<DatabaseKind, number>> {
  return forEach((kind) => writtenTransactions(host, kind));
}

/** Of one of SQLite's two databases: the one that is dumped. */
async function writtenToJournal(host: LabHost): Promise<number> {
  const args = ['exec', 'sqlite', 'cat', '/run/bank/progress-journal'];
  return Number((await host.run('docker', args, { reject: true })).stdout);
}

async function forEach<T>(
  ask: (kind: DatabaseKind) => Promise<T>,
): Promise<Record<DatabaseKind, T>> {
  const answers = await Promise.all(databaseKinds.map(async (kind) => [kind, await ask(kind)]));
  return Object.fromEntries(answers) as Record<DatabaseKind, T>;
}

async function restore(host: LabHost, from: string): Promise<void> {
  const each = databaseKinds.map((kind) => {
    const directory = databaseDirectory(kind);
    return `find ${directory} -mindepth 1 -delete && cp -a ${from}/${kind}/. ${directory}/`;
  });
  await host.bash(each.join(' && '), { reject: true });
}

async function compose(host: LabHost, ...args: string[]): Promise<void> {
  const options = { cwd: project, timeoutSeconds: 180, reject: true };
  await host.run('docker', ['compose', ...args], options);
}
