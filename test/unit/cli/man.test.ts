import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { commands } from '../../../src/command-table.ts';
import { exitCodes } from '../../../src/exit-codes.ts';
import { globalFlags } from '../../../src/help.ts';
import { manPage } from '../../../src/man/page.ts';
import { escaped, prose, textLine } from '../../../src/man/roff.ts';
import { runProgram } from '../../support/cli.ts';

const page = manPage(commands, '1.2.3');
const directory = t.testdir({ 'page.8': page });

const has = async (program: string): Promise<boolean> =>
  (await execa('sh', ['-c', `command -v ${program}`], { reject: false })).exitCode === 0;

/** The text of the page as a reader has it, all blanks alike. */
const rendered = async (): Promise<string> => {
  const { stdout } = await execa('man', ['--warnings', '-l', '-E', 'UTF-8', 'page.8'], {
    cwd: directory,
    env: { MANWIDTH: '120', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '' },
  });
  return stdout.replaceAll(/\s+/g, ' ');
};

await t.test('nothing of a text means anything to roff', async (t) => {
  t.equal(escaped('a\\b --x'), 'a\\eb \\-\\-x');
  t.equal(escaped(`'"^~`), '\\(aq\\(dq\\(ha\\(ti');
  t.equal(escaped('a → b … ’ 😀'), 'a \\(-> b ... \\[u2019] \\[u1F600]');
  t.equal(textLine('.so /etc/passwd'), '\\&.so /etc/passwd');
  t.equal(textLine("'so x"), '\\(aqso x');
  t.equal(prose('. `a-b` c'), '\\&. \\fBa\\-b\\fR c');
  t.equal(prose('one ` alone'), 'one \\(ga alone');
});

await t.test('the page has every command, flag, example and exit code', async (t) => {
  for (const [name, { usage, details, examples, options }] of Object.entries(commands)) {
    const [, section = ''] = page.split(`.SS "${escaped(name)}"\n`);
    const own = section.split(/^\.S[SH] /m)[0] ?? '';
    t.ok(own.includes(`.B "${escaped(`orchestrator-update ${usage}`)}"\n`), usage);
    for (const flag of Object.keys(options)) {
      t.ok(own.includes(`.TP\n.B "${escaped(`--${flag}`)}"\n`), `${name} --${flag}`);
    }
    for (const [head, meaning] of details) {
      t.ok(own.includes(`.TP\n.B "${escaped(head)}"\n${prose(meaning)}\n`), `${name} ${head}`);
    }
    for (const example of examples) t.ok(own.includes(`\n${textLine(example)}\n`), example);
  }
  for (const [head] of globalFlags) t.ok(page.includes(`.B "${escaped(head)}"\n`), head);
  for (const code of Object.values(exitCodes))
    t.ok(page.includes(`.TP\n.B "${code}"\n`), `${code}`);
  for (const section of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'EXIT STATUS', 'FILES', 'SEE ALSO']) {
    t.ok(page.includes(`\n.SH ${section}\n`), section);
  }
  t.match(page, /^[\u0020-\u007E\n]+$/, 'nothing but ASCII');
});

/** The version is another. */
const withoutTitle = (text: string): string => text.replace(/^\.TH .*/, '');

await t.test('`man` prints it', async (t) => {
  const { stdout, exitCode } = await runProgram(directory, ['man']);
  t.equal(exitCode, 0);
  t.equal(withoutTitle(`${stdout}\n`), withoutTitle(page));
});

const skipGroff = (await has('groff')) ? false : 'no groff here: apt-get install groff-base';
await t.test('groff has no warning', { skip: skipGroff }, async (t) => {
  for (const device of ['utf8', 'ascii']) {
    const args = ['-man', '-ww', '-z', `-T${device}`, 'page.8'];
    const { stderr, exitCode } = await execa('groff', args, { cwd: directory });
    t.equal(stderr, '', device);
    t.equal(exitCode, 0);
  }
});

const skipMan = (await has('man')) ? false : 'no man here: apt-get install man-db';
await t.test('a reader has what was written', { skip: skipMan }, async (t) => {
  const text = await rendered();
  for (const [name, { usage, examples }] of Object.entries(commands)) {
    t.ok(text.includes(`orchestrator-update ${usage.replaceAll('…', '...')}`), name);
    for (const example of examples) t.ok(text.includes(example.replaceAll(/\s+/g, ' ')), example);
  }
});

const skipMandoc = (await has('mandoc')) ? false : 'no mandoc here: apt-get install mandoc';
await t.test('mandoc finds nothing but that it has no date', { skip: skipMandoc }, async (t) => {
  // The name mandoc expects: a page of that section.
  writeFileSync(join(directory, 'orchestrator-update.8'), page);
  const { stdout } = await execa(
    'mandoc',
    ['-T', 'lint', '-W', 'warning', 'orchestrator-update.8'],
    { cwd: directory, reject: false },
  );
  const found = stdout.split('\n').filter((line) => line !== '' && !/missing date/.test(line));
  t.same(found, []);
});
