import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { openStateFiles, wholeLines } from '../../../src/host/state-files.ts';

await t.test('a file is written, read, replaced and removed', async (t) => {
  const directory = t.testdir({});
  const state = openStateFiles(directory);
  t.equal(await state.read('a.json'), undefined);
  await state.write('a.json', 'one');
  await state.write('a.json', 'two');
  t.equal(await state.read('a.json'), 'two');
  await state.write('deep/er/b', '');
  t.equal(await state.read('deep/er/b'), '');
  t.same(await state.list('deep'), ['er']);
  t.same(await state.list('absent'), []);
  await state.remove('a.json');
  await state.remove('a.json');
  t.equal(await state.read('a.json'), undefined);
  await state.removeDirectory('deep');
  t.notOk(existsSync(join(directory, 'deep')));
  t.equal(existsSync(join(directory, 'a.json.new')), false, 'nothing is left beside it');
});

await t.test('what is ours is private', async (t) => {
  const directory = t.testdir({});
  const state = openStateFiles(directory);
  await state.write('x/file', '');
  await state.append('x/log', 'line');
  t.equal(statSync(join(directory, 'x')).mode & 0o777, 0o700);
  t.equal(statSync(join(directory, 'x/file')).mode & 0o777, 0o600);
  t.equal(statSync(join(directory, 'x/log')).mode & 0o777, 0o600);
});

await t.test('a half-written file of an earlier crash is no obstacle, nor is a link', async (t) => {
  const directory = t.testdir({ a: 'old', 'a.new': 'half', other: 'untouched' });
  const state = openStateFiles(directory);
  await state.write('a', 'new');
  t.equal(await state.read('a'), 'new');
  symlinkSync('other', join(directory, 'b.new'));
  await state.write('b', 'text');
  t.equal(await state.read('other'), 'untouched');
});

await t.test('lines come back as they were, whatever is in them', async (t) => {
  const state = openStateFiles(t.testdir({}));
  const lines = ['{"a":1}', '', ' blanks ', 'ü€🙂', 'x'.repeat(100_000)];
  for (const line of lines) await state.append('journal', line);
  t.same(await state.lines('journal'), lines);
  t.same(await state.lines('absent'), []);
});

await t.test('cut anywhere, a journal loses only the line that was being written', async (t) => {
  const directory = t.testdir({});
  const path = join(directory, 'journal');
  const state = openStateFiles(directory);
  await state.append('journal', 'first');
  const first = statSync(path).size;
  await state.append('journal', 'second ü');
  const whole = readFileSync(path);
  for (let size = 0; size < whole.length; size++) {
    writeFileSync(path, whole.subarray(0, size));
    const kept = size >= first - 1 ? ['first'] : [];
    // Without its line feed a line is whole: what it says has been written.
    t.same(await state.lines('journal'), size === whole.length - 1 ? ['first', 'second ü'] : kept);
  }
});

await t.test('after a torn line new ones can be read', async (t) => {
  const directory = t.testdir({});
  const path = join(directory, 'journal');
  const state = openStateFiles(directory);
  await state.append('journal', 'first');
  await state.append('journal', 'second');
  truncateSync(path, statSync(path).size - 3);
  await state.append('journal', 'third');
  await state.append('journal', 'fourth');
  t.same(await state.lines('journal'), ['first', 'third', 'fourth']);
});

await t.test('a damaged line is left out: any one bit', async (t) => {
  const directory = t.testdir({});
  const state = openStateFiles(directory);
  await state.append('journal', '{"state":"ARMED"}');
  const text = readFileSync(join(directory, 'journal'));
  for (let bit = 0; bit < (text.length - 1) * 8; bit++) {
    const damaged = Buffer.from(text);
    damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
    if (wholeLines(damaged.toString('utf8')).length > 0) t.fail(`bit ${bit} was not noticed`);
  }
  appendFileSync(join(directory, 'journal'), '\0\0\0\0\n\nnot ours\n');
  t.same(await state.lines('journal'), ['{"state":"ARMED"}']);
});

await t.test('a reader, and a kill -9, find the old text or the new one', async (t) => {
  const directory = t.testdir({});
  const module = resolve(import.meta.dirname, '../../../src/host/state-files.ts');
  const program = `
    import { openStateFiles } from ${JSON.stringify(module)};
    const state = openStateFiles(process.argv[1]);
    for (let at = 0; ; at++) {
      await state.write('file', String(at % 10).repeat(500_000));
      if (at === 3) console.log('busy');
    }`;
  for (let round = 0; round < 3; round++) {
    const args = ['--input-type=module', '--eval', program, directory];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const until = Date.now() + 300;
    while (Date.now() < until) {
      if (!isWhole(join(directory, 'file'))) t.fail('something between was seen');
    }
    child.kill('SIGKILL');
    await once(child, 'close');
    t.ok(isWhole(join(directory, 'file')));
  }
});

function isWhole(path: string): boolean {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text.length === 500_000 && text === text.charAt(0).repeat(text.length);
}
