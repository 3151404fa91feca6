import { join, relative, resolve } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const project = resolve(import.meta.dirname, '..');
const source = join(project, 'src');

/** Everything a run needs that finds nothing to do; `run` is taken in, other commands are not. */
const first = { entry: join(source, 'cli.ts'), taken: [join(source, 'commands/run.ts')] };

export interface BundleOptions {
  /** Starts the program; it must not await at its top level. */
  readonly entry: string;
  readonly out: string;
  readonly version: string;
}

/**
 * Bundles the program:
 *
 *     main.js   the whole way to "nothing to do", in one file
 *     *.mjs     what is loaded when it is needed; it shares the code of main.js
 *
 * esbuild alone would split main.js into a dozen files, by who else uses each part: 8 ms CPU more
 * to load, of 77. As an ES module it would take 5 ms more than as CommonJS (medians of 15 to 25).
 */
export async function bundle({ entry, out, version }: BundleOptions): Promise<void> {
  const common = commonOptions(version);
  const shared = await inputsOf(common);
  await checkExports(shared);
  const later = new Set<string>();
  const lines = shared.map((file) => `export * from ${JSON.stringify(`./${file}`)};`);
  const contents = [...lines, `import ${JSON.stringify(entry)};`].join('\n');
  await build({
    ...common,
    format: 'cjs',
    stdin: { contents, resolveDir: project, sourcefile: 'main.ts' },
    outfile: join(out, 'main.js'),
    define: {
      ...common.define,
      'import.meta.dirname': '__dirname',
      'import.meta.url': '__filename',
    },
    plugins: [loadLater(later)],
  });
  const entryPoints = Object.fromEntries([...later].map((target) => [outputName(target), target]));
  await build({
    ...common,
    entryPoints,
    outdir: out,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    // Flat, so that koffi.node and VERSION lie beside every chunk.
    chunkNames: 'chunk-[hash]',
    plugins: [shareMain(shared)],
    // CommonJS dependencies (winston) call require for Node's own modules; an ES module has none.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
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

/** The files that make up main.js, relative to the project. */
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

/** Two files that export the same name would, through `export *`, export it not at all. */
async function checkExports(files: readonly string[]): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: project,
    entryPoints: [...files],
    outdir: 'unused',
    format: 'esm',
    write: false,
    metafile: true,
  });
  const names = Object.values(metafile.outputs).flatMap(({ exports }) => exports);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) throw new Error(`two files of main.js export ${twice.join(', ')}`);
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
        return { path: `./${outputName(target)}.mjs`, external: true };
      });
    },
  };
}

/** Takes what is in main.js from there: two copies of a class would be two classes. */
function shareMain(shared: readonly string[]): Plugin {
  return {
    name: 'share-main',
    setup({ onResolve }) {
      onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) => {
        if (kind === 'entry-point') return undefined;
        const isShared = shared.includes(relative(project, resolve(resolveDir, path)));
        return isShared ? { path: './main.js', external: true } : undefined;
      });
    },
  };
}

/** `src/commands/plan.ts` → `commands-plan`, `winston` → `winston`. All files lie side by side. */
function outputName(target: string): string {
  const name = target.startsWith(source) ? relative(source, target) : target;
  return name.replace(/\.ts$/, '').replaceAll(/[^A-Za-z0-9-]/g, '-');
}
