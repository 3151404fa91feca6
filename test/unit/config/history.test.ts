import t from 'tap';
import { z } from 'zod';
import { parseEnvironmentFile } from '../../../src/config/environment-file.ts';
import { historySchema, localDirectory } from '../../../src/config/history-schema.ts';
import { ConfigError } from '../../../src/errors.ts';

const least = { repository: '/mnt/history', password_file: '/etc/pw' };

await t.test('no history is the default', async (t) => {
  t.match(historySchema.parse(undefined), {
    repository: undefined,
    keep: { hourly: 24, daily: 7, weekly: 5, monthly: 12 },
    prune_every_days: 1,
    check_every_days: 7,
    check_subset_percent: 15,
    required: true,
    timeout_seconds: 7200,
  });
});

await t.test('every key has its meaning', async (t) => {
  const { properties = {} } = z.toJSONSchema(historySchema, { io: 'input' });
  for (const [key, of] of Object.entries(properties)) {
    t.match((of as { description?: string }).description, /\.$/, key);
  }
});

await t.test('what cannot work is refused', async (t) => {
  const refused = (keys: object, path: string | undefined): void => {
    const { error } = historySchema.safeParse({ ...least, ...keys });
    t.equal(error?.issues.map((issue) => issue.path.join('.')).join(), path);
  };
  refused({}, undefined);
  refused({ password_file: undefined }, 'password_file');
  refused({ password_file: 'pw' }, 'password_file');
  refused({ repository: 'history' }, 'repository');
  refused({ repository: '../history' }, 'repository');
  refused({ repository: 'ftp:host' }, 'repository');
  refused({ repository: 's3:' }, 'repository');
  refused({ keep: { hourly: 0, daily: 0, weekly: 0, monthly: 0 } }, 'keep');
  refused({ keep: { hourly: -1 } }, 'keep.hourly');
  refused({ keep: { hourly: 0, daily: 0, weekly: 0 } }, undefined);
  refused({ check_subset_percent: 101 }, 'check_subset_percent');
  refused({ pasword: 'x' }, '');
});

await t.test('repositories of every kind', async (t) => {
  for (const repository of [
    '/mnt/history',
    'local:/mnt/history',
    'sftp:user@host:/srv/history',
    's3:https://s3.example.org/bucket/path',
    'rest:https://host:8000/',
    'rclone:remote:path',
    'b2:bucket:path',
    'azure:container:/',
  ]) {
    t.ok(historySchema.safeParse({ ...least, repository }).success, repository);
  }
  t.equal(localDirectory('local:/mnt/x'), '/mnt/x');
  t.equal(localDirectory('/mnt/x'), '/mnt/x');
  t.equal(localDirectory('sftp:h:/x'), undefined);
});

await t.test('an environment file', async (t) => {
  const text = [
    '# credentials',
    '',
    'AWS_ACCESS_KEY_ID=AKIA123',
    '  export AWS_SECRET_ACCESS_KEY = x',
    `A='it is $HOME # as it is'`,
    String.raw`B="a \"quoted\" \$x \\ \n"  # and a comment`,
    'C=plain # and a comment',
    'D=a#b=c',
    'E=',
    'F=first\r',
    'F=second',
    "G=''",
  ];
  text.splice(3, 1, '  export AWS_SECRET_ACCESS_KEY=x/y+z=');
  t.same(parseEnvironmentFile(`${text.join('\n')}\n`, '/e'), {
    AWS_ACCESS_KEY_ID: 'AKIA123',
    AWS_SECRET_ACCESS_KEY: 'x/y+z=',
    A: 'it is $HOME # as it is',
    B: String.raw`a "quoted" $x \ \n`,
    C: 'plain',
    D: 'a#b=c',
    E: '',
    F: 'second',
    G: '',
  });
  t.same(parseEnvironmentFile('', '/e'), {});
});

await t.test('mistakes in it: file and line, and never a value', async (t) => {
  for (const line of [
    's3cret',
    'KEY = s3cret',
    '1A=s3cret',
    'A="s3cret',
    "A='s3cret'x",
    'A="s3"x',
  ]) {
    const parse = (): unknown => parseEnvironmentFile(`# one\nA=1\n${line}\nB=2`, '/etc/env');
    t.throws(parse, {
      name: 'ConfigError',
      message: /^\/etc\/env, line 3: /,
      next: 'editor /etc/env',
    });
    try {
      parse();
    } catch (error) {
      t.notMatch((error as ConfigError).message, /s3/, line);
    }
  }
});
