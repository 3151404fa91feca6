import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstalledHost } from '../test/lab/installed-host.ts';
import { compareMs, type Figure } from './figures.ts';

const node = '/usr/local/lib/orchestrator-update/current/bin/node';
const unit = 'orchestrator-update.service';
const scriptUnit = 'bench-script.service';
// Where the sandbox lets it be seen.
const scriptPath = '/usr/local/lib/bench/check.sh';

/** What a shell script would do at least: start the same Node, ask the same remote as the same user. */
const script = (workTree: string, asOwner: string): string => `#!/bin/sh
set -eu
${node} -e 0
tip=$(${asOwner}git -C ${workTree} ls-remote --quiet --exit-code origin refs/heads/embody-alpha)
`;

/** A check with nothing to do against a shell script: CPU of the whole process tree. */
export async function nothingToDo(host: InstalledHost, rounds: number): Promise<Figure[]> {
  return [
    await fromShell(host, rounds),
    await throughSystemd(host, rounds),
    await withoutDocker(host),
  ];
}

async function fromShell(host: InstalledHost, rounds: number): Promise<Figure> {
  const meter = '/root/bench/cpu-times.py';
  await host.writeFile(meter, await readFile(join(import.meta.dirname, 'cpu-times.py'), 'utf8'));
  const asOwner = 'setpriv --reuid=geo --regid=geo --init-groups env HOME=/home/geo ';
  await host.writeFile(scriptPath, script(host.workTree, asOwner), { mode: '0755' });
  const commands = {
    ours: ['/usr/local/sbin/orchestrator-update', 'run'],
    theirs: [scriptPath],
  };
  const { stdout } = await host.run('python3', [meter, String(rounds)], {
    input: JSON.stringify(commands),
    timeoutSeconds: 300,
    reject: true,
  });
  const { ours, theirs }: { ours: number[]; theirs: number[] } = JSON.parse(stdout);
  return compareMs('nothing to do, CPU, `orchestrator-update run`', ours, theirs, 1.5);
}

/** The units' own accounts: the script runs in the same sandbox, which has its price too. */
async function throughSystemd(host: InstalledHost, rounds: number): Promise<Figure> {
  // Nothing in the sandbox can change the user, but systemd can.
  await host.writeFile(scriptPath, script(host.workTree, ''), { mode: '0755' });
  const text = (await host.run('systemctl', ['cat', unit], { reject: true })).stdout;
  const dropped = /^(Type|ExecStart|Restart|RestartMode|OnFailure|Environment)=.*$/gm;
  const lines = [
    '[Service]',
    // It stays loaded, so that systemd can be asked what it used.
    'Type=oneshot\nRemainAfterExit=yes',
    `ExecStart=${scriptPath}\nUser=geo\nEnvironment=HOME=/home/geo\n`,
  ];
  const copy = `${text.replaceAll(dropped, '')}\n${lines.join('\n')}`;
  await host.writeFile(`/run/systemd/system/${scriptUnit}`, copy);
  await host.run('systemctl', ['daemon-reload'], { reject: true });
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await cpuOfUnit(host, unit));
    theirs.push(await cpuOfUnit(host, scriptUnit));
  }
  const name = 'nothing to do, CPU, `systemctl start`, against the script in the same sandbox';
  return compareMs(name, ours, theirs, 1.5);
}

async function cpuOfUnit(host: InstalledHost, name: string): Promise<number> {
  // The unit may be started ten times in ten minutes only; the script's has no such state.
  await host.run('systemctl', ['reset-failed', name]);
  await host.run('systemctl', ['restart', name], { reject: true });
  const show = ['show', name, '--property=CPUUsageNSec', '--value'];
  const { stdout } = await host.run('systemctl', show, { reject: true });
  return Number(stdout) / 1e6;
}

/** Every program the check starts, as the kernel sees it. */
async function withoutDocker(host: InstalledHost): Promise<Figure> {
  const trace = '/root/bench/execve.log';
  const strace = ['-f', '-e', 'trace=execve', '-o', trace, '/usr/local/sbin/orchestrator-update'];
  await host.run('strace', [...strace, 'run'], { reject: true });
  const started = (await host.readFile(trace))
    .split('\n')
    .filter((line) => line.endsWith('= 0'))
    .map((line) => /execve\("([^"]*)"/.exec(line)?.[1] ?? line);
  const calls = started.filter((file) => file.includes('docker')).length;
  return {
    name: 'nothing to do, calls of docker',
    ours: String(calls),
    theirs: `started: ${started.map((file) => file.split('/').at(-1)).join(', ')}`,
    ratio: undefined,
    target: '0',
    met: calls === 0 && started.length > 1,
  };
}
