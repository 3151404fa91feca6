/**
 * `npm run build`: the program as it is installed on hosts, in dist/.
 *
 *     main.js, chunk-*.js   the bundle; what a run seldom needs stays a chunk that is loaded when needed
 *     koffi.node            found by src/host/native.ts because it lies beside the bundle
 *     bin/node              Node 24 of this architecture: the host's own is not used
 *     VERSION               0.1.0-g1234567, also the name of the installed directory
 *
 * Usage: node install/build.ts [--entry FILE] [--out DIR] [--version VERSION]
 */
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import { execa } from 'execa';

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
  await build(bundleOptions(directory, entry, name));
  await copyFile(koffiBinary(), join(directory, 'koffi.node'));
  await mkdir(join(directory, 'bin'));
  await copyFile(nodeBinary(), join(directory, 'bin/node'));
  await chmod(join(directory, 'bin/node'), 0o755);
  // Makes the .js files ES modules.
  await writeFile(join(directory, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
  await writeFile(join(directory, 'VERSION'), `${name}\n`);
  await chmod(directory, 0o755);
}

function bundleOptions(directory: string, entry: string, name: string): BuildOptions {
  return {
    entryPoints: { main: entry },
    outdir: directory,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    splitting: true,
    // Flat, so that koffi.node and VERSION lie beside every chunk.
    chunkNames: 'chunk-[name]-[hash]',
    minifySyntax: true,
    minifyWhitespace: true,
    // Not minifyIdentifiers: the names in a stack trace from a host are worth more than the bytes.
    legalComments: 'external',
    define: { 'process.env.ORCHESTRATOR_UPDATE_VERSION': JSON.stringify(name) },
    logLevel: 'warning',
    // CommonJS dependencies (winston) call require for Node's own modules; an ES module has none.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  };
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
