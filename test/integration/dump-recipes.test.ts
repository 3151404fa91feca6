import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { hooksOf } from '../../src/core/dump.ts';
import { container, model } from '../support/builders.ts';

/** Writes down how it was called, and what it was given by other ways. */
const stub = String.raw`#!/bin/sh
for word in "$0" "$@"; do case $word in --config=*) cat "${'$'}{word#--config=}" >"$SEEN/config";; esac; done
printf '%s\n' "${'$'}{0##*/}" "$@" >"$SEEN/args"
env >"$SEEN/env"
`;

/** A container's shell in which only these programs are, and what the one that ran was told. */
function containerWith(t: Test, programs: readonly string[]) {
  const directory = t.testdir({});
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  for (const name of programs) {
    writeFileSync(join(bin, name), stub);
    chmodSync(join(bin, name), 0o755);
  }
  const secret = join(directory, 'secret');
  writeFileSync(secret, 'from "a" file\n');
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const dump = async (recipe: string, variables: Record<string, string>) => {
    const said = { labels: { 'orchestrator-update.backup.dump': recipe } };
    const script = hooksOf(model({ db: said }), [container('db')]).dumps[0]?.script ?? '';
    // As `docker exec` does it: the programs' names are all that the script has to find.
    const env = { ...variables, SEEN: directory, PATH: `${bin}:/usr/bin:/bin` };
    await execa('sh', ['-c', script], { env, extendEnv: false, stdin: 'ignore' });
    const args = read('args').trimEnd().split('\n');
    return { args, env: read('env').split('\n'), script };
  };
  return { secret, dump, config: () => read('config') };
}

const PASSWORD = `it's "so": {secret} \\ $HOME #1`;

await t.test('a password is in the environment, or in a file, never an argument', async (t) => {
  const programs = ['pg_dumpall', 'mariadb-dump', 'mysqldump', 'redis-cli', 'mongodump'];
  const { secret, dump } = containerWith(t, programs);
  const cases = [
    ['postgres', 'POSTGRES_PASSWORD', 'PGPASSWORD', 'pg_dumpall'],
    ['mysql', 'MYSQL_ROOT_PASSWORD', 'MYSQL_PWD', 'mariadb-dump'],
    ['mariadb', 'MARIADB_ROOT_PASSWORD', 'MYSQL_PWD', 'mariadb-dump'],
    ['redis', 'REDIS_PASSWORD', 'REDISCLI_AUTH', 'redis-cli'],
  ] as const;
  for (const [recipe, given, taken, program] of cases) {
    const { args, env, script } = await dump(recipe, { [given]: PASSWORD });
    t.equal(args[0], program);
    t.ok(env.includes(`${taken}=${PASSWORD}`), `${recipe}: as it is`);
    t.notMatch(args.join(' ') + script, /secret/);
    const ofFile = await dump(recipe, { [`${given}_FILE`]: secret });
    t.ok(ofFile.env.includes(`${taken}=from "a" file`), `${recipe}: of a file`);
  }
  t.ok((await dump('postgres', {})).args.includes('--username=postgres'));
  t.ok((await dump('postgres', { POSTGRES_USER: 'me' })).args.includes('--username=me'));
  const open = await dump('redis', {});
  t.notOk(open.env.some((line) => line.startsWith('REDISCLI_AUTH')));
});

await t.test('MySQL has another program than MariaDB', async (t) => {
  const { dump } = containerWith(t, ['mysqldump']);
  t.match((await dump('mysql', {})).args, ['mysqldump', '--user=root', '--all-databases']);
  t.match((await dump('mariadb', {})).args, ['mysqldump']);
});

await t.test('MongoDB reads its password as YAML', async (t) => {
  const { secret, dump, config } = containerWith(t, ['mongodump']);
  const user = { MONGO_INITDB_ROOT_USERNAME: 'root' };
  const { args, script } = await dump('mongo', { ...user, MONGO_INITDB_ROOT_PASSWORD: PASSWORD });
  t.same(args, [
    'mongodump',
    '--archive',
    '--config=/dev/stdin',
    '--username=root',
    '--authenticationDatabase=admin',
  ]);
  t.same(parse(config()), { password: PASSWORD });
  t.notMatch(script, /secret/);
  await dump('mongo', { ...user, MONGO_INITDB_ROOT_PASSWORD_FILE: secret });
  t.same(parse(config()), { password: 'from "a" file' });
  t.same((await dump('mongo', {})).args, ['mongodump', '--archive'], 'without users');
});
