import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { enterArgs, guestPrefix } from './guest.ts';
import { isAbandoned, type Layout, listRecords } from './host-records.ts';
import { type LabHost, openHost, startHost } from './lab-host.ts';
import { leaderOf } from './machine.ts';
import { assertRoot, makeDirectories } from './machine-pool.ts';
import { addressOf, controlName } from './paths.ts';
import { cleanLab, lowerLab, prepareBase, prepareLab } from './prepare.ts';

const help = `Disposable Debian hosts with systemd, Docker and the lab's cluster. Needs root.

  npm run lab -- VERB [ARGUMENT...] [--layout directory|submodule|own|none] [--user NAME] [--keep]

  shell [HOST]     a shell in a fresh host (gone at exit, unless --keep) or in one that is up
  up [N]           start N hosts (1) that stay until "down"
  ls               the hosts: address, layout, state
  sh HOST CMD...   run a command in a host; its exit code is ours (HOST may be ctl)
  boot|off|reboot|cut|cutdisk|freeze|thaw|unplug|plug|destroy HOST
                   cut: power failure; cutdisk: and un-fsynced writes are lost; freeze: the host hangs
  base             build the base image only
  prepare          build everything hosts need
  down             remove all hosts and the control host, whoever uses them; images stay
  clean            down, and delete all images
`;

const layouts: readonly Layout[] = ['directory', 'submodule', 'own', 'none'];

type Flags = { layout: Layout; keep: boolean; user: string };
type Verb = (words: string[], flags: Flags) => Promise<number>;

const started = performance.now();
const progress = (line: string): void => {
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} s  ${line}\n`);
};

/** Verbs that do one thing to one running host. */
const hostVerbs: Record<string, (host: LabHost) => Promise<void>> = {
  boot: (host) => host.boot(),
  off: (host) => host.powerOff(),
  reboot: (host) => host.reboot(),
  cut: (host) => host.powerCut(),
  cutdisk: (host) => host.cutUnsynced(),
  freeze: (host) => host.freeze(),
  thaw: (host) => host.thaw(),
  unplug: (host) => host.unplug(),
  plug: (host) => host.plug(),
  destroy: (host) => host.destroy(),
};

const verbs: Record<string, Verb> = {
  base: () => done(prepareBase(progress)),
  prepare: () => done(prepareLab(progress)),
  down: () => done(lowerLab()),
  clean: () => done(cleanLab()),
  ls: () => done(list()),
  up,
  shell,
  sh: ([name = '', ...words], flags) => enter(name, words, flags.user),
};

async function done(work: Promise<void>): Promise<number> {
  await work;
  return 0;
}

async function up([count = '1']: string[], { layout }: Flags): Promise<number> {
  await prepareLab(progress);
  await Promise.all(
    Array.from({ length: Number(count) }, async () => {
      const host = await startHost({ layout, keep: true });
      progress(`${host.name} ${host.address} is up`);
    }),
  );
  return 0;
}

async function shell([name]: string[], { layout, keep, user }: Flags): Promise<number> {
  if (name !== undefined) return enter(name, ['bash', '-l'], user);
  const host = await startHost({ layout, keep, onProgress: progress });
  progress(`${host.name} ${host.address}: layout ${layout}, project ${host.projectDir}`);
  try {
    return await enter(host.name, ['bash', '-l'], user);
  } finally {
    if (!keep) await host.destroy();
  }
}

/** Run a command in the guest on this terminal. */
async function enter(name: string, words: string[], user: string): Promise<number> {
  const env = { TERM: process.env['TERM'] ?? 'dumb' };
  const prefix = guestPrefix({ user, env });
  const [file = '', ...args] = [...(await enterArgs(name)), ...prefix, ...words];
  // Ctrl-C is for the guest
  process.on('SIGINT', () => undefined);
  const { exitCode } = await execa(file, args, { stdio: 'inherit', reject: false });
  return exitCode ?? 137;
}

async function state(name: string): Promise<string> {
  return (await leaderOf(name)) === undefined ? 'off' : 'on';
}

async function list(): Promise<void> {
  await makeDirectories();
  const lines = [[controlName, addressOf(controlName), '', await state(controlName), '']];
  for (const record of await listRecords()) {
    const { name, layout, kept, ownerPid } = record;
    const owner = kept ? 'kept' : `process ${ownerPid}${isAbandoned(record) ? ' (dead)' : ''}`;
    lines.push([name, addressOf(name), layout, await state(name), owner]);
  }
  process.stdout.write(lines.map((line) => `${line.join('\t')}\n`).join(''));
}

async function main(): Promise<number> {
  // words after "sh HOST" belong to the command, flags among them too
  const all = process.argv.slice(2);
  const command = all[0] === 'sh' ? all.splice(2) : [];
  const { values, positionals } = parseArgs({
    args: all,
    allowPositionals: true,
    options: {
      layout: { type: 'string', default: 'directory' },
      user: { type: 'string', default: 'root' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [name = '', ...words] = positionals;
  const verb = verbs[name];
  const hostVerb = hostVerbs[name];
  if (values.help || (verb === undefined && hostVerb === undefined)) {
    process.stdout.write(help);
    return values.help ? 0 : 2;
  }
  assertRoot();
  const { keep, user } = values;
  const layout = layouts.find((one) => one === values.layout);
  if (layout === undefined)
    throw new Error(`--layout ${values.layout}: is not one of ${layouts.join(', ')}`);
  if (verb !== undefined) return verb([...words, ...command], { keep, user, layout });
  await hostVerb?.(await openHost(words[0] ?? ''));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
