import { styleText } from 'node:util';
import type { Invocation } from '../command-table.ts';
import { isHealthy, type EngineProbe } from '../core/engine-health.ts';
import type { Part } from '../core/engine-parts.ts';
import { wordsOf } from '../core/package-words.ts';
import { OperatorError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { systemdRuns } from '../host/systemd-runs.ts';
import { readEngineStatus, type EngineStatus } from '../host/engine-status.ts';
import { repair } from './engine-repair.ts';
import { resume } from './engine-resume.ts';
import { rollback, upgrade } from './engine-upgrade.ts';
import { watch } from './engine-watch.ts';
import { tableLines } from './table.ts';

const verbs = { status: showStatus, upgrade, rollback, repair, resume, watch } as const;

/** `engine status|upgrade|rollback|repair`, and what its units run. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [verb] = invocation.positionals;
  if (verb === undefined || !(verb in verbs)) {
    throw new UsageError(
      verb === undefined
        ? `engine needs a verb: ${Object.keys(verbs).join(', ')}`
        : `unknown verb: engine ${verb}`,
      'orchestrator-update engine --help',
    );
  }
  if (process.getuid?.() !== 0) {
    throw new OperatorError('this command needs to be root', 'sudo orchestrator-update engine …');
  }
  if (verb !== 'status' && !systemdRuns()) {
    throw new OperatorError(
      `engine ${verb}: systemd does not run here, and Docker is only changed or mended where it does`,
      `on the host itself, not in a container: orchestrator-update engine ${verb}`,
    );
  }
  return verbs[verb as keyof typeof verbs](invocation);
}

async function showStatus(invocation: Invocation): Promise<ExitCode> {
  const found = await readEngineStatus(dockerSocket(invocation.environment));
  const text = invocation.json
    ? JSON.stringify({ schema: 1, ...found }, undefined, 2)
    : textOf(found).join('\n');
  process.stdout.write(`${text}\n`);
  return isHealthy(found.probes) ? exitCodes.done : exitCodes.failed;
}

function textOf(status: EngineStatus): string[] {
  const isTerminal = process.stdout.isTTY === true;
  const { family, why, api, facts, units, probes } = status;
  const general = [
    [
      'engine',
      why === undefined ? `packages of ${family}` : `cannot be upgraded or repaired: ${why}`,
    ],
    ['API', api === undefined ? 'does not answer' : `${api.oldest} to ${api.newest}`],
    ...(facts === undefined
      ? []
      : [
          [
            'live-restore',
            facts.liveRestore ? 'on' : 'off: a restart of Docker stops every container',
          ],
          [
            'storage',
            `${facts.storageDriver}, images kept by ${facts.imageStore}, ${facts.rootDirectory}`,
          ],
        ]),
    ...units.map(({ unit, state, restarts, isRefused }) => [
      unit,
      unitText(state, restarts, isRefused),
    ]),
    ...clientRows(status),
    ...upgradeRows(status),
  ];
  return [
    ...tableLines(general, isTerminal),
    '',
    ...tableLines(
      [['PART', 'PACKAGE', 'INSTALLED', 'RUNS', 'AVAILABLE'], ...partRows(status)],
      isTerminal,
    ),
    '',
    ...probes.map(probeLine),
  ];
}

function unitText(state: string, restarts: number, isRefused: boolean): string {
  const again = restarts > 0 ? `, started again ${restarts} times by systemd` : '';
  const refused = isRefused ? '; systemctl reset-failed docker docker.socket containerd' : '';
  return `${state}${again}${refused}`;
}

function clientRows({ clients }: EngineStatus): string[][] {
  if (clients === undefined) return [];
  if (clients.length === 0) return [['clients', 'none']];
  return clients.map(({ who, apiVersion }) => [
    'client',
    `${who}, ${apiVersion === undefined ? 'API version not known' : `API ${apiVersion}`}`,
  ]);
}

function upgradeRows({ upgrade: planned }: EngineStatus): string[][] {
  if (planned === undefined) return [];
  const { changes, refusals } = planned;
  const what = changes.map(
    ({ name, from, to }) => `${name} ${[from ?? 'new', to ?? 'removed'].join(' → ')}`,
  );
  return [
    [
      'upgrade',
      what.length === 0 && refusals.length === 0 ? 'nothing newer' : what.join(', ') || '-',
    ],
    ...refusals.map((why) => ['not like that', why]),
  ];
}

function partRows({ parts, packageManager }: EngineStatus): string[][] {
  const { finish } = wordsOf(packageManager);
  return parts.map((part) => {
    const { name, package: found, runs = '-' } = part;
    return [name, found?.name ?? '-', found?.version ?? '-', runs, availableText(part, finish)];
  });
}

function availableText({ package: found }: Part, finish: string): string {
  if (found === undefined) return '-';
  const { candidate, version, isHeld, isWhole } = found;
  const newer = candidate === undefined || candidate === version ? 'nothing newer' : candidate;
  const held = isHeld ? ', held' : '';
  return `${newer}${held}${isWhole ? '' : `, half installed: ${finish}`}`;
}

function probeLine({ name, state, detail, seconds }: EngineProbe): string {
  const mark = {
    ok: styleText('green', '✓'),
    failed: styleText('red', '✗'),
    unknown: styleText('yellow', '?'),
  }[state];
  return `${mark} ${name}: ${detail} (${seconds.toFixed(1)} s)`;
}
