import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { ConfigError } from '../../../src/errors.ts';

interface Others {
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

const directory = t.testdir({});
const file = join(directory, 'c.yaml');

/** Reads a configuration of this text. */
async function load(text: string, { environment = {}, flags = [] }: Others = {}): Promise<Config> {
  writeFileSync(file, text);
  return loadConfig({ file, fileRequired: true, environment, flags });
}

/** The message a person gets for this text, with the file called FILE. */
async function complaint(text: string, others: Others = {}): Promise<string> {
  try {
    await load(text, others);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.next === '' || error.exitCode !== 2) throw error;
    return error.message.replaceAll(file, 'FILE');
  }
  return 'none';
}

const mistakes: readonly (readonly [text: string, expected: RegExp | string])[] = [
  ['brnch: x\n', 'FILE:1: unknown key brnch (did you mean branch?)'],
  ['# c\nhealth:\n  url:\n    - http://x\n', /^FILE:3: unknown key health.url .*health\.urls\?/],
  ['healthh:\n  urls: []\n', 'FILE:1: unknown key healthh (did you mean health?)'],
  ['completely_different: 1\n', 'FILE:1: unknown key completely_different'],
  ['health:\n  timeout_seconds: soon\n', /^FILE:2: health\.timeout_seconds: .*number.*string/],
  ['\n\nhealth:\n  urls:\n    - http://x\n    - ftp://x\n', /^FILE:6: health\.urls\.1: an http/],
  ['health:\n  urls: http://x\n', /^FILE:2: health\.urls: .*array/],
  ['timeouts: {remote_seconds: 999}\n', /^FILE:1: timeouts\.remote_seconds: .*170/],
  ['strategy: rebiuld\n', /^FILE:1: strategy: .*"reconcile"\|"rebuild"/],
  ['root: relative\n', 'FILE:1: root: an absolute path is expected'],
  [
    'auto_update: false\nmode: auto\n',
    /^FILE:1: auto_update is false, and `mode` is auto: keep one/,
  ],
  ['mode: approve\nauto_update: true\n', /^FILE:2: auto_update is true, and `mode` is approve/],
  ['auto_update: maybe\n', /^FILE:1: auto_update: .*boolean/],
  ['branch: -x\n', /^FILE:1: branch: a git branch/],
  ['branch: a..b\n', /^FILE:1: branch: a git branch/],
  ['remote: ext::sh\n', /^FILE:1: remote: a git branch or remote name/],
  ['project_name: Shop\n', /^FILE:1: project_name: lower-case/],
  ['branch:\n', /^FILE:1: branch: .*string.*null/],
  ['compose:\n  environment:\n    A: 1\n', /^FILE:3: compose\.environment\.A: .*string.*number/],
  ['a: b: c\n', /^FILE:1:4: not valid YAML/],
  ['root: /a\nroot: /b\n', /^FILE:2:1: not valid YAML: .*unique/],
  ['\tbranch: x\n', /^FILE:1:1: not valid YAML: Tabs/],
  ['branch: *main\n', /^FILE:1:9: \*main is a YAML alias.*quotes/],
  ['- a\n', /^FILE:1: a mapping of keys/],
  ['only words\n', /^FILE:1: a mapping of keys/],
  ['__proto__: 1\n', /^FILE:1: unknown key __proto__/],
];
for (const [text, expected] of mistakes) {
  await t.test(JSON.stringify(text), async (t) => {
    t.match(await complaint(text), expected);
  });
}

await t.test('every mistake is told at once, each with its line', async (t) => {
  const said = await complaint('backup:\n  keep: 0\n  resrve_mb: 1\nstrategy: x\n');
  t.match(said, /^3 mistakes in the configuration:\n/);
  t.match(said, /FILE:2: backup\.keep: .*>=1/);
  t.match(said, /FILE:3: unknown key backup\.resrve_mb \(did you mean backup\.reserve_mb\?\)/);
  t.match(said, /FILE:4: strategy: /);
});

await t.test('rules between keys name the key to change', async (t) => {
  const rule = async (text: string, expected: RegExp) =>
    t.match(await complaint(text), expected, text);
  await rule('root: /srv\n\nrepository: /other\n', /^FILE:3: repository does not contain .*\/srv/);
  await rule('root: /srv\nbackups_dir: /srv/\n', /^FILE:2: backups_dir must be a directory of/);
  await rule('project_dir: /p\nbackups_dir: /p\n', /^FILE:2: backups_dir must be/);
  await rule('health:\n  stable_seconds: 500\n', /^FILE:2: health\.stable_seconds is longer than/);
  await rule('compose:\n  files:\n    - a.yaml\n    - ../b.yaml\n', /FILE:2: .*\.\.\/b\.yaml/);
  await rule('compose: {files: [/etc/x.yaml]}\n', /FILE:1: compose\.files \/etc\/x\.yaml/);
  t.equal(await complaint('compose: {files: [a..b.yaml, sub/c.yaml]}\n'), 'none');
});

await t.test('defaults settle what depends on other keys', async (t) => {
  t.match(await load(''), {
    root: '/home/geo/operation',
    project_dir: '/home/geo/operation/autonomy',
    backups_dir: '/home/geo/operation/backups',
    branch: 'embody-alpha',
    strategy: 'reconcile',
    backup: { keep: 5 },
  });
  t.match(await load('root: /srv/shop//\n'), {
    root: '/srv/shop',
    project_dir: '/srv/shop/autonomy',
    backups_dir: '/srv/shop/backups',
  });
  t.match(await load('root: //\nproject_dir: /x/\n'), { root: '/', project_dir: '/x' });
  t.match(await load('health: {urls: []}\n'), { health: { urls: [], timeout_seconds: 120 } });
});

await t.test('defaults < file < environment < flags', async (t) => {
  const text = 'branch: file\nremote: file\nbackup:\n  keep: 3\n  reserve_mb: 1\n';
  const environment = {
    ORCHESTRATOR_UPDATE_REMOTE: 'variable',
    ORCHESTRATOR_UPDATE_BACKUP_KEEP: '7',
    PATH: '/bin',
  };
  const config = await load(text, { environment, flags: ['backup.keep=9'] });
  t.match(config, {
    branch: 'file',
    remote: 'variable',
    backup: { keep: 9, reserve_mb: 1 },
    strategy: 'reconcile',
  });
});

await t.test('text becomes what the key holds', async (t) => {
  const config = await load('health: {urls: ["http://old"]}\n', {
    flags: [
      'health.urls=http://a/x?y=1, http://b',
      'health.interval_seconds=0.5',
      'compose.environment=A=1,B=x=y',
      'compose.profiles=',
      'project_name=42',
    ],
  });
  t.match(config, {
    health: { urls: ['http://a/x?y=1', 'http://b'], interval_seconds: 0.5 },
    compose: { environment: { A: '1', B: 'x=y' }, profiles: [] },
    project_name: '42',
  });
  const cleared = await load('compose: {environment: {A: "1"}}\n', {
    flags: ['compose.environment='],
  });
  t.same(cleared.compose.environment, {});
});

const said = (others: Others, text = 'branch: x\nhealth: {}\n') => complaint(text, others);

await t.test('a mistake in an override names the override, not the file', async (t) => {
  const variable = 'ORCHESTRATOR_UPDATE_HEALTH_URLS';
  t.match(await said({ flags: ['backup.keep=many'] }), /^--set backup\.keep: backup\.keep: .*NaN/);
  t.match(await said({ flags: ['backup.keep='] }), /^--set backup\.keep: backup\.keep: .*string/);
  t.match(await said({ environment: { [variable]: 'ftp://x' } }), new RegExp(`^${variable}: `));
  t.match(
    await said({ flags: ['health.stable_seconds=500'] }),
    /^--set health\.stable_seconds: health\.stable_seconds is longer/,
  );
  t.match(await said({ flags: ['brnch=x'] }), /unknown key brnch \(did you mean branch\?\)/);
  t.match(await said({ flags: ['branch'] }), /--set branch: KEY=VALUE is expected/);
  t.match(
    await said({ environment: { ORCHESTRATOR_UPDATE_BRNCH: 'x' } }),
    /unknown environment variable ORCHESTRATOR_UPDATE_BRNCH .*ORCHESTRATOR_UPDATE_BRANCH\?/,
  );
  const flags = ['health.timeout_seconds=30'];
  t.match(await said({ flags }, 'health: 5\n'), /^FILE:1: health: .*object/, 'nothing is hidden');
});

await t.test('variables that are no keys are let through', async (t) => {
  const environment = {
    ORCHESTRATOR_UPDATE_STATE_DIR: '/s',
    ORCHESTRATOR_UPDATE_CONFIG: '/c',
    ORCHESTRATOR_UPDATE_CACHE_DIR: '/k',
    ORCHESTRATOR_UPDATE_DEBUG: '1',
  };
  t.equal(await complaint('', { environment }), 'none');
});

await t.test('a file that is not there is an error only when a person named it', async (t) => {
  const sources = { file: join(directory, 'absent'), environment: {}, flags: [] };
  t.equal((await loadConfig({ ...sources, fileRequired: false })).remote, 'origin');
  await t.rejects(loadConfig({ ...sources, fileRequired: true }), {
    message: /absent cannot be read: there is no such file/,
    exitCode: 2,
  });
  mkdirSync(join(directory, 'd'), { recursive: true });
  await t.rejects(loadConfig({ ...sources, file: join(directory, 'd'), fileRequired: false }), {
    message: /cannot be read: .*EISDIR/,
  });
});

await t.test(
  'auto_update is another word for mode; said in a later place, either wins',
  async (t) => {
    const mode = async (text: string, others: Others = {}): Promise<string> =>
      (await load(text, others)).mode;
    t.equal(await mode('auto_update: false\n'), 'notify');
    t.equal(await mode('auto_update: true\n'), 'auto');
    t.equal(await mode('auto_update: false\nmode: notify\n'), 'notify');
    t.notOk('auto_update' in (await load('auto_update: false\n')), 'one of them is enough');
    t.equal(await mode('auto_update: false\n', { flags: ['mode=approve'] }), 'approve');
    t.equal(await mode('mode: auto\n', { flags: ['auto_update=false'] }), 'notify');
    const environment = { ORCHESTRATOR_UPDATE_AUTO_UPDATE: 'false' };
    t.equal(await mode('mode: approve\n', { environment }), 'notify');
    t.equal(await mode('', { environment, flags: ['mode=auto'] }), 'auto');
    const both = { environment: { ...environment, ORCHESTRATOR_UPDATE_MODE: 'auto' } };
    t.match(await complaint('', both), /^ORCHESTRATOR_UPDATE_AUTO_UPDATE: auto_update is false/);
  },
);

await t.test('what is in force can be read as a configuration again', async (t) => {
  const text = [
    'auto_update: false',
    'health: {urls: []}',
    'schedule: {windows: [{days: [sat], from: "02:00", to: "05:00"}]}',
    'notify: {targets: [{type: webhook, url: "https://x.example/", unsigned: true}]}',
    '',
  ].join('\n');
  const config = await load(text);
  t.same(await load(JSON.stringify(config)), config);
});
