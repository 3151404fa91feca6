/**
 * `npm run demo`: a host of its own, the installer, a good release, a bad one, and how it all looks.
 * Needs root; the first time it builds the lab (about two minutes), later it is there at once.
 *
 * Usage: node install/demo.ts [--keep]
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { type ServiceChange, servicePorts } from '../test/lab/cluster.ts';
import { enterArgs, guestPrefix } from '../test/lab/guest.ts';
import { type LabHost, startHost } from '../test/lab/lab-host.ts';
import { checkoutDir } from '../test/lab/paths.ts';

const unit = 'orchestrator-update.service';
const backups = '/home/geo/operation/backups';
const startedAt = performance.now();

/** What is being done, and since when. */
function step(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${seconds} s  ${line}\n`);
}

/** A line of a program in the host. */
function show(line: string): void {
  process.stdout.write(`          │ ${line}\n`);
}

/** Runs a command in the host as a person at its root prompt would, and shows it line by line. */
async function type(host: LabHost, words: string[], cwd = '/root'): Promise<number> {
  step(`${host.name}# ${words.join(' ')}`);
  const [file = '', ...args] = [...(await enterArgs(host.name)), ...guestPrefix({ cwd }), ...words];
  const running = execa(file, args, { all: true, buffer: false, stdin: 'ignore', reject: false });
  createInterface({ input: running.all }).on('line', show);
  const { exitCode } = await running;
  return exitCode ?? 137;
}

async function installUpdater(host: LabHost): Promise<void> {
  await host.copyRelease();
  const installer = './install/install_update_service.sh';
  if ((await type(host, [installer], '/root/orchestrator-update')) !== 0) {
    throw new Error('the installer failed');
  }
  // Half a minute of watching each release is right on a real host, and long in a demonstration.
  const watch = 's/^health:/&\\n  stable_seconds: 3\\n  unhealthy_seconds: 6/';
  const config = '/etc/orchestrator-update/update_config.yaml';
  await host.run('sed', ['-i', watch, config], { reject: true });
}

/** `systemctl start`, which returns when the outcome is known, and the journal while it runs. */
async function startUpdate(host: LabHost): Promise<number> {
  // It ends when its standard input does: a signal would reach nsenter alone, and not what it started.
  const follow = `journalctl -u ${unit} -f -n 0 -o cat & cat; kill $!`;
  const journal = ['bash', '-c', follow];
  const [file = '', ...args] = [...(await enterArgs(host.name)), ...guestPrefix({}), ...journal];
  const following = execa(file, args, { buffer: false, stdin: 'pipe', reject: false });
  createInterface({ input: following.stdout }).on('line', show);
  step(`${host.name}# systemctl start ${unit}    # the journal of it:`);
  const start = ['start', unit];
  const { exitCode } = await host.run('systemctl', start, { timeoutSeconds: 300 });
  // The last lines may still be on their way.
  await new Promise((resolve) => void setTimeout(resolve, 1000));
  following.stdin.end();
  await following;
  return exitCode;
}

/** Publishes a release, lets the updater take it, and says what is served then. */
async function release(
  host: LabHost,
  message: string,
  services: Record<string, ServiceChange>,
): Promise<number> {
  const commit = await host.pushCluster({ services }, message);
  step(`pushed ${commit.slice(0, 12)}: ${message}`);
  const exitCode = await startUpdate(host);
  step(`systemctl start returned ${exitCode}; now served: ${await servedText(host)}`);
  return exitCode;
}

async function servedText(host: LabHost): Promise<string> {
  const served = await Promise.all(
    Object.entries(servicePorts).map(async ([name, port]) => {
      const health = await host.served(port);
      return `${name} ${health?.version ?? '-'}`;
    }),
  );
  return served.join(', ');
}

async function demonstrate(host: LabHost): Promise<void> {
  step(`${host.name} is up, a Debian with systemd and Docker: ${await servedText(host)}`);
  await installUpdater(host);

  const added = { reporter: { tag: 'v1' } };
  if ((await release(host, 'Add the service reporter', added)) !== 0) {
    throw new Error('the good release was not taken');
  }
  const broken = { ...added, orchestrator: { tag: 'v2', mode: 'unhealthy' as const } };
  if ((await release(host, 'Break the orchestrator', broken)) === 0) {
    throw new Error('the broken release was taken for good');
  }
  const { version } = (await host.served(servicePorts.orchestrator)) ?? {};
  if (version !== 'v1') throw new Error(`the orchestrator is not back at v1: ${version}`);

  await type(host, ['orchestrator-update', 'status']);
  await type(host, ['orchestrator-update', 'history']);
  await type(host, ['ls', '-la', backups]);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  const { keep } = values;
  if (process.getuid?.() !== 0) {
    throw new Error(
      'the demonstration boots a host (systemd-nspawn, mounts, a network of its own) and needs root: sudo npm run demo',
    );
  }
  step('building the program');
  await execa(process.execPath, ['install/build.ts'], { cwd: checkoutDir });
  step('starting a host');
  const host = await startHost({ keep, onProgress: step });
  process.once('SIGINT', () => void host.destroy().finally(() => process.exit(130)));
  try {
    await demonstrate(host);
  } finally {
    if (!keep) await host.destroy();
  }
  step('done');
  const next = keep
    ? [
        `npm run lab -- shell ${host.name}      a shell in this host`,
        `npm run lab -- destroy ${host.name}    remove it`,
      ]
    : [
        'npm run demo -- --keep    the same, and the host stays',
        'npm run lab -- shell      a shell in a fresh host',
      ];
  process.stdout.write(`\nWhere to look next:\n  ${next.join('\n  ')}\n  docs/operations.md\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
