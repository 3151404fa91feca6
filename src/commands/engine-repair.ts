import type { Invocation } from '../command-table.ts';
import { completeRepair } from '../complete-repair.ts';
import { USUAL_RUNG } from '../core/engine-ladder.ts';
import { packagesOfEngines, partsOf } from '../core/engine-parts.ts';
import { raiseRepaired } from '../engine-notice.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { createRepairHost } from '../host/engine-repair.ts';
import { openPackages } from '../host/packages.ts';
import { openStateFiles } from '../host/state-files.ts';
import { isTold, repairEngine, type RepairOutcome } from '../repair-engine.ts';
import { openDoor, readConfig, whenFree } from './context.ts';
import { openRepairCluster } from './repair-cluster.ts';
import { chooseStream, createLog } from '../host/log.ts';

const exitCodeOf: Readonly<Record<RepairOutcome['state'], ExitCode>> = {
  well: exitCodes.done,
  repaired: exitCodes.done,
  half: exitCodes.failed,
  rebooting: exitCodes.failed,
  'would repair': exitCodes.waiting,
  operator: exitCodes.operator,
};

/** `engine repair [--dry-run] [--max-rung N]`. */
export async function repair(invocation: Invocation): Promise<ExitCode> {
  const isDry = invocation.flags['dry-run'] === true;
  const maxRung = rungIn(invocation.flags['max-rung']);
  const { settings, environment } = invocation;
  const config = await readConfig(invocation);
  await refuseOthers();
  const door = openDoor(environment);
  const log = await createLog({ stream: chooseStream(environment), debug: settings.debug });
  const state = openStateFiles(settings.stateDirectory);
  const cluster = openRepairCluster(invocation, door);
  const host = createRepairHost({
    socket: dockerSocket(environment),
    backupsDirectory: config.backups_dir,
    stateDirectory: settings.stateDirectory,
    state,
    log,
    isStopping: () => door.stop.requestedBy() !== undefined,
    cluster,
  });
  try {
    const outcome = isDry
      ? await repairEngine(host, { isDry, maxRung })
      : await whenFree(invocation, log, async () =>
          completeRepair(await repairEngine(host, { isDry, maxRung }), cluster),
        );
    // Who was told that a rung was taken does not sit before this screen.
    if (outcome.state === 'repaired' && outcome.rungs.some(isTold)) {
      await raiseRepaired(state, outcome, host.now().toISOString());
    }
    process.stdout.write(
      `${invocation.json ? JSON.stringify(outcome, undefined, 2) : textOf(outcome)}\n`,
    );
    return exitCodeOf[outcome.state];
  } finally {
    await log.flush();
  }
}

function rungIn(text: Invocation['flags'][string]): number {
  if (typeof text !== 'string') return USUAL_RUNG;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--max-rung: a whole number is expected, not ${text}`);
}

/** An engine that no package of this host has is mended by whoever brought it. */
export async function refuseOthers(): Promise<void> {
  const packages = await openPackages();
  const installed = await packages?.installed(packagesOfEngines).catch(() => undefined);
  // What dpkg or rpm does not say keeps nobody from starting Docker.
  if (installed === undefined && packages !== undefined) return;
  const signs = { program: 'docker', securityOptions: [], packageManager: packages?.manager };
  const { why } = partsOf(installed ?? [], {}, signs);
  if (why === undefined) return;
  throw new RefusedError(
    `this engine cannot be repaired here: ${why}`,
    'orchestrator-update engine status; systemctl status docker',
  );
}

function textOf({ summary, complaints, rungs, evidence, state }: RepairOutcome): string {
  const list = rungs.map(
    ({ number, what, risk, isReversible }) =>
      `  rung ${number}: ${what}\n    risk: ${risk}; ${isReversible ? 'can be taken back' : 'cannot be taken back'}`,
  );
  const seen = complaints.map((one) => `  ${one}`);
  return [
    summary,
    ...(seen.length > 0 && state !== 'operator' ? ['what was wrong:', ...seen] : []),
    ...(state === 'would repair' ? list : []),
    ...(evidence === undefined ? [] : [`what was seen is in ${evidence}`]),
    ...(state === 'half' ? ['next: docker ps --all; journalctl -u docker -n 50'] : []),
    ...(state === 'operator'
      ? ['next: mend it by hand, then: orchestrator-update acknowledge']
      : []),
  ].join('\n');
}
