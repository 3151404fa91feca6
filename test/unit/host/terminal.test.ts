import { resolve } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { progressBar } from '../../../src/host/terminal.ts';

const module = resolve(import.meta.dirname, '../../../src/host/terminal.ts');
const clear = '\r\u001B[2K';

/** What a status line writes to stderr. */
async function written(isTerminal: boolean, calls: string, columns = 80): Promise<string> {
  const program = `
    import { createStatusLine } from ${JSON.stringify(module)};
    const line = createStatusLine(${isTerminal}, () => ${columns});
    ${calls}`;
  const args = ['--input-type=module', '--eval', program];
  const { stderr } = await execa(process.execPath, args, { stripFinalNewline: false });
  return stderr;
}

await t.test('in a pipe there are only whole lines', async (t) => {
  const calls = `line.show('pulling', 0.5); line.print('one\\n'); line.clear();`;
  t.equal(await written(false, calls), 'one\n');
});

await t.test('on a terminal lines go above the status, which is drawn again', async (t) => {
  const calls = `line.show('pulling'); line.print('one\\n'); line.clear(); line.print('two\\n');`;
  t.equal(
    await written(true, calls),
    `${clear}  pulling${clear}one\n${clear}  pulling${clear}${clear}two\n`,
  );
});

await t.test('it never takes more than one row, and the bar stays whole', async (t) => {
  const drawn = await written(true, `line.show('x'.repeat(300), 0.5);`, 60);
  t.equal(drawn.slice(clear.length).length, 59);
  t.match(drawn, / ▓{10}░{10} 50%$/);
});

await t.test('bars', async (t) => {
  t.equal(progressBar(0), `${'░'.repeat(20)} 0%`);
  t.equal(progressBar(0.45), `${'▓'.repeat(9)}${'░'.repeat(11)} 45%`);
  t.equal(progressBar(1), `${'▓'.repeat(20)} 100%`);
  t.equal(progressBar(7), progressBar(1));
  t.equal(progressBar(-1), progressBar(0));
});
