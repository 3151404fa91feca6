/**
 * `npm run build`: the program as it is installed on hosts, in dist/.
 *
 *     main.js, *.mjs        the program: see bundle.ts
 *     koffi.node            found by src/host/native.ts because it lies beside the bundle
 *     bin/node              Node 24 of this architecture: the host's own is not used
 *     share/                the manual page, and completions for shells
 *     VERSION               0.1.0-g1234567, also the name of the installed directory
 *
 * Usage: node install/build.ts [--entry FILE] [--out DIR] [--version VERSION]
 */
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { commands } from '../src/command-table.ts';
import { bashCompletion } from '../src/completion/bash.ts';
import { fishCompletion } from '../src/completion/fish.ts';
import { vocabulary } from '../src/completion/vocabulary.ts';
import { zshCompletion } from '../src/completion/zsh.ts';
import { keyInfos } from '../src/config/keys.ts';
import { manPage } from '../src/man/page.ts';
import { bundle } from './bundle.ts';

const project = resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

const { values: flags } = parseArgs({
  options: {
    entry: { type: 'string', default: join(project, 'src/main.ts') },
    out: { type: 'string', default: join(project, 'dist') },
    version: { type: 'string' },
  },
});

const version = flags.version ?? (await describeVersion());
if (!/^[0-9A-Za-z][0-9A-Za-z.+_-]*$/.test(version)) {
  throw new Error(`--version ${JSON.stringify(version)} cannot name a directory`);
}
const out = resolve(flags.out);
await mkdir(dirname(out), { recursive: true });
// Beside the target, so that the rename stays on one file system.
const staging = await mkdtemp(`${out}.new-`);
try {
  await buildInto(staging, resolve(flags.entry), version);
  await rm(out, { recursive: true, force: true });
  await rename(staging, out);
} catch (error) {
  await rm(staging, { recursive: true, force: true });
  throw error;
}
process.stdout.write(`${out}: orchestrator-update ${version}\n`);

async function buildInto(directory: string, entry: string, name: string): Promise<void> {
  await bundle({ entry, out: directory, version: name });
  await copyFile(koffiBinary(), join(directory, 'koffi.node'));
  await mkdir(join(directory, 'bin'));
  await copyFile(nodeBinary(), join(directory, 'bin/node'));
  await chmod(join(directory, 'bin/node'), 0o755);
  await writeDocuments(join(directory, 'share'), name);
  // main.js is CommonJS.
  await writeFile(join(directory, 'package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);
  await writeFile(join(directory, 'VERSION'), `${name}\n`);
  await chmod(directory, 0o755);
}

/** Here, and not by the program on the host: an installation needs nothing to run. */
async function writeDocuments(directory: string, name: string): Promise<void> {
  const words = vocabulary(keyInfos());
  await mkdir(directory);
  for (const [ending, text] of [
    ['8', manPage(commands, name)],
    ['bash', bashCompletion(words)],
    ['zsh', zshCompletion(words)],
    ['fish', fishCompletion(words)],
  ] as const) {
    await writeFile(join(directory, `orchestrator-update.${ending}`), text);
  }
}

/** `0.1.0-g1234567`, `-dirty` behind it when files differ from the commit; without git `0.1.0`. */
async function describeVersion(): Promise<string> {
  const text = await readFile(join(project, 'package.json'), 'utf8');
  const { version: number }: { version: string } = JSON.parse(text);
  const git = (...args: string[]) => execa('git', args, { cwd: project, reject: false });
  const commit = await git('rev-parse', '--short=12', 'HEAD');
  if (commit.failed) return number;
  const changes = await git('status', '--porcelain');
  return `${number}-g${commit.stdout}${changes.stdout === '' ? '' : '-dirty'}`;
}

function koffiBinary(): string {
  const index = require.resolve(`@koromix/koffi-linux-${process.arch}`);
  return join(dirname(index), `linux_${process.arch}`, 'koffi.node');
}

function nodeBinary(): string {
  return require.resolve(`node-linux-${process.arch}/bin/node`);
}
