import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { commands, globalOptions } from '../../../src/command-table.ts';
import { LAST_RUNG } from '../../../src/core/engine-ladder.ts';
import { globalFlags } from '../../../src/help.ts';
import { runProgram } from '../../support/cli.ts';

const directory = t.testdir({ 'update_config.yaml': 'root: /nonexistent/shop\n' });
const printed = async (shell: string): Promise<string> => {
  const { stdout, stderr, exitCode } = await runProgram(directory, ['completion', shell]);
  t.equal(exitCode, 0, stderr);
  const file = join(directory, shell);
  writeFileSync(file, `${stdout}\n`);
  return file;
};
const files = {
  bash: await printed('bash'),
  zsh: await printed('zsh'),
  fish: await printed('fish'),
} as const;

/** What bash offers for the last of these words, as readline would split them. */
async function offered(...words: string[]): Promise<string[]> {
  const cwd = join(directory, 'here');
  mkdirSync(join(cwd, 'a place'), { recursive: true });
  writeFileSync(join(cwd, 'a file'), '');
  const script = `. "$0"
COMP_WORDS=(orchestrator-update "$@") COMP_CWORD=$#
_orchestrator_update 2>&1
((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--norc', '--noprofile', '-uc', script, files.bash, ...words];
  const { stdout } = await execa('bash', args, { cwd });
  return stdout === '' ? [] : stdout.split('\n');
}

await t.test('the verbs of the table are those that the commands know', async (t) => {
  // Run by units alone.
  const ofUnits: Record<string, readonly string[]> = { engine: ['resume', 'watch'] };
  const withVerbs = Object.entries(commands).filter(([, { verbs }]) => verbs !== undefined);
  t.same(
    withVerbs.map(([name]) => name),
    ['backup', 'engine', 'notify', 'config', 'completion'],
  );
  for (const [name, { verbs = [] }] of withVerbs) {
    const { stderr } = await runProgram(directory, [name]);
    const [, list = ''] = /needs a verb: (.*)/.exec(stderr) ?? [];
    const known = list.split(/, | or /).filter((verb) => !ofUnits[name]?.includes(verb));
    t.same(known.toSorted(), verbs.toSorted(), name);
  }
});

await t.test('what the table says of values is true', async (t) => {
  t.equal(commands['engine']?.values?.['max-rung']?.length, LAST_RUNG);
  for (const [name, { options, values = {}, words = 0 }] of Object.entries(commands)) {
    for (const flag of Object.keys(values)) {
      if (flag === '') t.ok(words > 0, `${name} takes words`);
      else t.equal(options[flag]?.type, 'string', `${name} --${flag} takes a value`);
    }
  }
  const told = globalFlags.map(([head]) => head.split(/[ ,]/)[0]);
  t.same(
    told,
    Object.keys(globalOptions).map((name) => `--${name}`),
  );
});

await t.test('bash: every command, verb and flag', async (t) => {
  const { stdout } = await execa('bash', ['--norc', '-c', '. "$0"; complete -p', files.bash]);
  t.match(stdout, 'complete -F _orchestrator_update orchestrator-update');
  t.same(
    await offered(''),
    [...Object.keys(commands), 'help', 'version', '--help', '--version'],
    'commands',
  );
  const globals = [...Object.keys(globalOptions).map((flag) => `--${flag}`), '-h'];
  for (const [name, { options, verbs }] of Object.entries(commands)) {
    const own = Object.keys(options).map((flag) => `--${flag}`);
    t.same((await offered(name, '-')).toSorted(), [...own, ...globals].toSorted(), name);
    if (verbs) t.same(await offered(name, ''), verbs, `${name}: verbs`);
  }
});

await t.test('bash: what is there already decides', async (t) => {
  t.same(await offered('ro'), ['rollback']);
  t.same(await offered('run', '--fo'), ['--force']);
  t.same(await offered('backup', 'v'), ['verify']);
  t.same(await offered('backup', '--sample', 'v'), ['verify'], 'a flag is no verb');
  t.same(await offered('backup', '--config', 'x', 'v'), ['verify'], 'nor is its value');
  t.same(await offered('backup', 'verify', ''), [], 'one verb is enough');
  t.same(await offered('help', 'ho'), ['hold']);
  t.same(await offered('nonsense', ''), []);
  t.same(await offered('run', ''), []);
  t.same(await offered('hold', '--until', ''), [], 'only a person knows');
});

await t.test('bash: values', async (t) => {
  t.same(await offered('engine', 'repair', '--max-rung', '1').then((all) => all.length), 11);
  t.same(await offered('engine', '--max-rung', '=', '19'), ['19']);
  t.same(await offered('run', '--set', 'bra'), ['branch=']);
  t.same(await offered('run', '--set', 'mode', '='), ['auto', 'approve', 'notify']);
  t.same(await offered('run', '--set', 'mode', '=', 'a'), ['auto', 'approve']);
  t.same(await offered('run', '--set', '=', 'mode', '=', 'n'), ['notify']);
  t.same(await offered('run', '--set', 'branch', '=', 'm'), []);
  t.same((await offered('report', '--html', '')).toSorted(), ['a file', 'a place']);
  t.same(await offered('report', '--config', '=', 'a f'), ['a file']);
  t.same(await offered('restore', '--to', ''), ['a place']);
  t.same(await offered('diff', 'OLD', 'a'), ['a place']);
});

await t.test('bash: shellcheck finds nothing', async (t) => {
  const { exitCode, stdout } = await execa('shellcheck', ['--shell=bash', files.bash], {
    reject: false,
  });
  t.equal(exitCode, 0, stdout);
});

const has = async (program: string): Promise<boolean> =>
  (await execa(program, ['--version'], { reject: false })).exitCode === 0;

for (const shell of ['zsh', 'fish'] as const) {
  const skip = (await has(shell)) ? false : `no ${shell} here: apt-get install ${shell}`;
  await t.test(`${shell} can read its own`, { skip }, async (t) => {
    const { exitCode, stderr } = await execa(shell, ['-n', files[shell]], { reject: false });
    t.equal(exitCode, 0, stderr);
    t.equal(stderr, '');
  });
}

/** What fish offers at the end of a line. */
const fish = async (line: string): Promise<string[]> => {
  const script = `source ${files.fish}; complete -C 'orchestrator-update ${line}'`;
  const { stdout } = await execa('fish', ['--no-config', '-c', script], { cwd: directory });
  return stdout === '' ? [] : stdout.split('\n').map((one) => one.split('\t')[0] ?? '');
};

const skipFish = (await has('fish')) ? false : 'no fish here: apt-get install fish';
await t.test('fish offers the same', { skip: skipFish }, async (t) => {
  t.same(
    (await fish('')).toSorted(),
    [...Object.keys(commands), 'help', 'version'].toSorted(),
    'commands',
  );
  t.same((await fish('backup ')).toSorted(), [...(commands['backup']?.verbs ?? [])].toSorted());
  t.same(await fish('engine rollback --t'), ['--to'], 'that of engine, not of rollback');
  t.same(await fish('run --set mode=n'), ['mode=notify']);
  t.same(await fish('run '), []);
  t.same(await fish('run --fo'), ['--force']);
});

await t.test('zsh and fish have every command and flag', async (t) => {
  for (const shell of ['zsh', 'fish']) {
    const { stdout } = await runProgram(directory, ['completion', shell]);
    for (const [name, { options, verbs = [] }] of Object.entries(commands)) {
      t.match(stdout, name);
      for (const flag of Object.keys(options)) {
        t.match(stdout, shell === 'zsh' ? `--${flag}[` : ` -l ${flag} `, `${shell} ${flag}`);
      }
      t.ok(stdout.includes(verbs.join(' ')), `${shell} ${name}`);
    }
  }
});
