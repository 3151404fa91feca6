import { resolve } from 'node:path';
import type { Invocation } from '../command-table.ts';
import { megabytes } from '../core/megabytes.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { Host } from '../host/host.ts';
import { rollBackByHand } from '../roll-back-by-hand.ts';
import { findBackup, noHistory } from './backup.ts';
import { openContext, openDoor, withLock, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';

/** `restore [BACKUP] [--volumes]`: into the cluster; `--to DIR`: its files, beside the cluster. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { to, snapshot, volumes } = invocation.flags;
  const isBeside = to !== undefined || snapshot !== undefined;
  if (isBeside && (typeof to !== 'string' || to === '')) {
    throw new UsageError(
      'restore --snapshot needs --to DIR: where the files of the backup are to be laid',
      'orchestrator-update restore --snapshot 4f2a91c0 --to /var/tmp/restored',
    );
  }
  if (isBeside && volumes === true) {
    throw new UsageError(
      'restore --volumes puts the data into the cluster, --to lays it beside: one of them',
      'orchestrator-update restore --help',
    );
  }
  const door = openDoor(invocation.environment);
  return withLock(invocation, async () => {
    const context = await openContext(invocation, door);
    const { host, statusLine, log } = context;
    try {
      if (typeof to !== 'string') return await intoCluster(context, invocation, volumes === true);
      const target = resolve(to);
      const { json, text } =
        typeof snapshot === 'string'
          ? await laySnapshot(host, snapshot, target)
          : await layBackup(host, invocation.positionals[0], target);
      statusLine.clear();
      process.stdout.write(`${invocation.json ? JSON.stringify(json, undefined, 2) : text}\n`);
      return exitCodes.done;
    } finally {
      statusLine.clear();
      await log.flush();
    }
  });
}

/** The release of the backup, as a transaction like any other; with its data, where that is asked for. */
async function intoCluster(
  context: Context,
  invocation: Invocation,
  withVolumes: boolean,
): Promise<ExitCode> {
  const { host, config, statusLine } = context;
  const { name } = await findBackup(host, invocation.positionals[0]);
  const outcome = await rollBackByHand(host, config, { to: name, withData: withVolumes });
  statusLine.clear();
  return reportOutcome(outcome, invocation, context);
}

/** What is told of files that were laid somewhere. */
interface Laid {
  readonly json: unknown;
  readonly text: string;
}

async function laySnapshot(host: Host, snapshot: string, directory: string): Promise<Laid> {
  if (host.history === undefined) throw noHistory();
  await host.history.restore(snapshot, directory);
  return {
    json: { snapshot, directory },
    text: `${snapshot} is in ${directory}; orchestrator-update backup verify does not know it: its RESTORE.md says how to go on`,
  };
}

async function layBackup(host: Host, wanted: string | undefined, directory: string): Promise<Laid> {
  const manifest = await findBackup(host, wanted);
  const { name, sizeBytes, files } = manifest;
  const problems = await host.backups.restore(manifest, directory);
  if (problems.length > 0) {
    throw new RefusedError(
      `${directory} is not what was backed up: ${problems.join('; ')}`,
      `orchestrator-update backup verify ${name}`,
    );
  }
  return {
    json: { backup: name, directory },
    text: `${name} is in ${directory}, every file compared: ${files} entries, ${megabytes(sizeBytes)}`,
  };
}
