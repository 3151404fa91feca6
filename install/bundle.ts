import { join, relative, resolve } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const project = resolve(import.meta.dirname, '..');
const source = join(project, 'src');

/** Everything a run needs that finds nothing to do; `run` is taken in, other commands are not. */
const first = { entry: join(source, 'cli.ts'), taken: [join(source, 'commands/run.ts')] };

export interface BundleOptions {
  /** The file Node is started with; what it imports of src/cli.ts comes from program.js. */
  readonly entry: string;
  readonly out: string;
  readonly version: string;
}

/**
 * Bundles the program:
 *
 *     main.js      starts it
 *     program.js   the whole way to "nothing to do", in one file
 *     *.js         what is loaded when it is needed; it shares the code of program.js
 *
 * esbuild alone would split program.js into a dozen files, by who else uses each part, and Node
 * needs 8 of 77 ms CPU to load those one by one (measured, median of 15).
 */
export async function bundle({ entry, out, version }: BundleOptions): Promise<void> {
  const common = commonOptions(version);
  const program = await inputsOf(common);
  const later = new Set<string>();
  const exported = program.map((file) => `export * from ${JSON.stringify(`./${file}`)};`);
  await build({
    ...common,
    stdin: { contents: exported.join('\n'), resolveDir: project, sourcefile: 'program.ts' },
    outfile: join(out, 'program.js'),
    plugins: [loadLater(later)],
  });
  await build({
    ...common,
    entryPoints: { main: entry },
    outdir: out,
    plugins: [shareProgram(program)],
  });
  const entryPoints = Object.fromEntries([...later].map((target) => [outputName(target), target]));
  await build({
    ...common,
    entryPoints,
    outdir: out,
    splitting: true,
    chunkNames: 'chunk-[hash]',
    plugins: [shareProgram(program)],
    // CommonJS dependencies (winston) call require for Node's own modules; an ES module has none.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
  await checkExports(Object.keys(entryPoints), out);
}

function commonOptions(version: string): BuildOptions {
  return {
    absWorkingDir: project,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    // Not minifyIdentifiers: the names in a stack trace from a host are worth more than the bytes.
    legalComments: 'external',
    define: { 'process.env.ORCHESTRATOR_UPDATE_VERSION': JSON.stringify(version) },
    logLevel: 'warning',
  };
}

/** The files that make up program.js, relative to the project. */
async function inputsOf(common: BuildOptions): Promise<string[]> {
  const { metafile } = await build({
    ...common,
    entryPoints: [first.entry],
    outfile: 'unused.js',
    write: false,
    metafile: true,
    plugins: [loadLater(new Set())],
  });
  return Object.keys(metafile.inputs);
}

/** Leaves dynamic imports to later; `targets` collects what they name. */
function loadLater(targets: Set<string>): Plugin {
  return {
    name: 'load-later',
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const target = path.startsWith('.') ? resolve(resolveDir, path) : path;
        if (first.taken.includes(target)) return undefined;
        targets.add(target);
        return { path: `./${outputName(target)}.js`, external: true };
      });
    },
  };
}

/** Takes what is in program.js from there: two copies of a class would be two classes. */
function shareProgram(program: readonly string[]): Plugin {
  return {
    name: 'share-program',
    setup({ onResolve }) {
      onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) => {
        if (kind === 'entry-point') return undefined;
        const isShared = program.includes(relative(project, resolve(resolveDir, path)));
        return isShared ? { path: './program.js', external: true } : undefined;
      });
    },
  };
}

/** `src/commands/plan.ts` → `commands-plan`, `winston` → `winston`. All files lie side by side. */
function outputName(target: string): string {
  const name = target.startsWith(source) ? relative(source, target) : target;
  return name.replace(/\.ts$/, '').replaceAll(/[^A-Za-z0-9-]/g, '-');
}

/** Two files of program.js that export one name would export it not at all, and say nothing. */
async function checkExports(names: readonly string[], out: string): Promise<void> {
  await Promise.all(names.map((name) => import(join(out, `${name}.js`))));
}
