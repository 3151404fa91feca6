/**
 * `npm run bench`: the README's figures, measured on a lab host of this machine. Ratios, because
 * both sides of each were measured in this one run, taking turns. Needs root. About 4 minutes.
 *
 * Usage: node bench/run.ts [--json] [--rounds N]
 */
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { startInstalled } from '../test/lab/installed-host.ts';
import { assertRoot } from '../test/lab/machine-pool.ts';
import { checkoutDir } from '../test/lab/paths.ts';
import { type Figure, machineText, markdownTable } from './figures.ts';
import { imageChange } from './image-change.ts';
import { nothingToDo } from './nothing-to-do.ts';
import { memoryFigure } from './peak-memory.ts';

const startedAt = performance.now();
const progress = (line: string): void => {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${seconds} s  ${line}\n`);
};

async function measure(rounds: number): Promise<Figure[]> {
  progress('building the program');
  await execa(process.execPath, ['install/build.ts'], { cwd: checkoutDir });
  progress('starting a lab host and installing the updater');
  const host = await startInstalled({ onProgress: progress });
  try {
    const { exitCode } = await host.update();
    if (exitCode !== 0) throw new Error(`the first run failed:\n${await host.journal()}`);
    progress(`nothing to do: ${rounds} rounds from a shell, ${rounds} through systemd`);
    const idle = await nothingToDo(host, rounds);
    const changes = Math.ceil(rounds / 7);
    progress(`one image changed: ${changes * 2} updates and ${changes * 2} changes by hand`);
    const { figures, memory } = await imageChange(host, changes);
    return [...idle, ...figures, memoryFigure(memory)];
  } finally {
    await host.destroy();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '21' },
    },
  });
  assertRoot();
  const figures = await measure(Math.max(1, Number(values.rounds) || 21));
  progress('done');
  const machine = machineText();
  const text = values.json
    ? JSON.stringify({ machine, figures }, undefined, 2)
    : `${markdownTable(figures)}\nMeasured on ${machine}, Node ${process.version}.`;
  process.stdout.write(`${text}\n`);
  return figures.every(({ met }) => met) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
