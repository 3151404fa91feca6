import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { acquireLock } from '../../../src/host/lock.ts';
import { setup } from '../../support/install.ts';

const project = resolve(import.meta.dirname, '../../..');

const CONFIG = 'etc/orchestrator-update/update_config.yaml';
const PROGRAM = 'usr/local/lib/orchestrator-update';
const PATHS = 'etc/systemd/system/orchestrator-update.service.d/10-paths.conf';

const skip = process.getuid?.() === 0 ? false : 'the installer needs root';

await t.test('shellcheck finds nothing', async (t) => {
  const files = ['install_update_service.sh', 'lib/say.sh', 'lib/checks.sh', 'lib/settings.sh'];
  files.push('lib/program.sh', 'lib/units.sh', 'lib/documents.sh', 'lib/uninstall.sh');
  files.push('lib/cron.sh', 'orchestrator_full_update.sh');
  const result = await execa('shellcheck', ['--external-sources', ...files], {
    cwd: join(project, 'install'),
    reject: false,
  });
  t.not(result.code, 'ENOENT', 'if this fails: apt-get install shellcheck');
  t.equal(result.exitCode, 0, result.stdout);
});

await t.test('a first installation', { skip }, async (t) => {
  const { cluster, install, host, text, calls } = await setup(t);
  const result = await install(['--keep', '3', '--health', 'http://localhost:1/h']);
  t.equal(result.exitCode, 0, result.stderr);
  t.equal(readlinkSync(host(`${PROGRAM}/current`)), '1.0.0');
  t.equal(
    text(CONFIG).replace(/^#.*\n/gm, ''),
    `root: "${cluster}"\nproject_dir: "${cluster}/autonomy"\nproject_name: "from-compose"\n` +
      `remote: "origin"\nbranch: "embody-alpha"\nbackups_dir: "${cluster}/backups"\n` +
      'health:\n  urls:\n    - "http://localhost:1/h"\nbackup:\n  keep: 3\n',
  );
  t.equal(statSync(host(CONFIG)).mode & 0o777, 0o600);
  t.equal(statSync(host('var/lib/orchestrator-update')).mode & 0o777, 0o700);
  t.match(text(PATHS), `=-${cluster}\n`);
  t.ok(calls().includes('enable --now orchestrator-update.timer'));
});

await t.test('an upgrade keeps the configuration and the timer as it is', { skip }, async (t) => {
  const { install, text, calls } = await setup(t);
  await install([]);
  const before = text(CONFIG);
  // What sees to a change of the engine that was cut off came with a later version.
  const enabled = (): string[] =>
    calls().filter((call) => call.startsWith('enable') && !call.includes('orchestrator-engine'));
  t.ok(calls().includes('enable orchestrator-engine.service'));
  t.ok(calls().includes('enable orchestrator-engine-watch.service'));
  const then = enabled();
  const result = await install(['--branch', 'other']);
  t.equal(result.exitCode, 0, result.stderr);
  t.equal(text(CONFIG), before);
  t.match(result.stderr, /it says branch: embody-alpha, you asked for other/);
  t.same(enabled(), then);
});

await t.test('nothing is changed by a dry run, or when something is wrong', { skip }, async (t) => {
  const { install, host } = await setup(t);
  const dry = await install(['--dry-run']);
  t.equal(dry.exitCode, 0, dry.stderr);
  t.match(dry.stdout, `would write ${host(CONFIG)}`);
  for (const [args, exitCode, message] of [
    [['--bogus'], 2, /unknown option --bogus/],
    [['--keep', '0'], 2, /a number from 1 to 1000/],
    [['--root', '/with blank'], 2, /an absolute path/],
    [['--purge'], 2, /--uninstall/],
    [['--project-dir', '/absent'], 1, /does not exist/],
  ] as const) {
    const result = await install(args);
    t.equal(result.exitCode, exitCode, args.join(' '));
    t.match(result.stderr, message);
  }
  const running = await install([], { FAKE_STATE: 'activating' });
  t.equal(running.exitCode, 1);
  t.match(running.stderr, /is activating/);
  for (const path of ['etc', 'usr/local', 'var']) t.notOk(existsSync(host(path)), path);
});

await t.test('removing it keeps what is the user’s', { skip }, async (t) => {
  const { cluster, install, host } = await setup(t);
  await install([]);
  t.equal((await install(['--uninstall'])).exitCode, 0);
  t.notOk(existsSync(host(PROGRAM)));
  t.notOk(existsSync(host(PATHS)));
  t.same(readdirSync(host('usr/local/lib/systemd/system')), []);
  t.ok(existsSync(host(CONFIG)));
  t.equal((await install(['--uninstall', '--purge'])).exitCode, 0);
  t.notOk(existsSync(host(CONFIG)));
  t.notOk(existsSync(host('var/lib/orchestrator-update')));
  t.ok(existsSync(host(`${cluster}/backups`)));
});

const BASH = 'usr/share/bash-completion/completions/orchestrator-update';
const ZSH = 'usr/share/zsh/vendor-completions';
const FISH = 'usr/share/fish/vendor_completions.d';
const MANUAL = 'usr/local/share/man/man8/orchestrator-update.8';
const CATALOG = 'usr/local/lib/systemd/catalog/orchestrator-update.catalog';

const OTHERS_ENTRY =
  '-- 0123456789abcdef0123456789abcdef\nSubject: Of another program\nDefined-By: other\n\nText.\n';

await t.test('what a person reads is installed, and removed', { skip }, async (t) => {
  const { install, host, text } = await setup(t);
  const explained = async (): Promise<string> =>
    (await execa('journalctl', ['--list-catalog', `--root=${host('')}`], { reject: false })).stdout;
  await install([]);
  t.equal(text(BASH), 'bash');
  t.equal(text(MANUAL), '8');
  t.equal(statSync(host(MANUAL)).mode & 0o777, 0o644);
  t.equal(
    text(CATALOG),
    readFileSync(join(project, 'systemd/orchestrator-update.catalog'), 'utf8'),
  );
  t.match(await explained(), / orchestrator-update: /, 'the real journalctl has compiled it');
  for (const path of [ZSH, FISH]) t.notOk(existsSync(host(path)), `no ${path}, no such shell`);

  // The shells came later; others have files there, too.
  for (const path of [ZSH, FISH]) {
    mkdirSync(host(path), { recursive: true });
    writeFileSync(host(`${path}/other`), '');
  }
  writeFileSync(host('usr/local/lib/systemd/catalog/other.catalog'), OTHERS_ENTRY);
  await install([]);
  t.same(readdirSync(host(ZSH)), ['_orchestrator-update', 'other']);
  t.same(readdirSync(host(FISH)), ['orchestrator-update.fish', 'other']);

  await install(['--uninstall']);
  for (const path of [BASH, MANUAL, CATALOG]) t.notOk(existsSync(host(path)), path);
  for (const path of [ZSH, FISH]) t.same(readdirSync(host(path)), ['other']);
  t.notMatch(await explained(), 'orchestrator-update', 'the real journalctl has forgotten it');
  t.match(await explained(), 'Of another program');
});

await t.test('where the report and the metrics are written is let through', { skip }, async (t) => {
  const { dir, install, host, text } = await setup(t);
  await install([]);
  const shown = {
    root: '/srv',
    report: { path: '/var/www/html/update.html' },
    metrics: { path: '/var/lib/prometheus/node-exporter/update.prom' },
  };
  const lines = JSON.stringify(shown, undefined, 2);
  const node = `#!/bin/sh\ncase "$*" in *"config show"*) cat <<'END'\n${lines}\nEND\n;; *) echo v24 ;; esac\n`;
  writeFileSync(join(dir, 'source/dist/bin/node'), node);
  writeFileSync(join(dir, 'source/dist/VERSION'), '1.0.1\n');
  mkdirSync(host('var/www/html'), { recursive: true });
  const result = await install([]);
  t.equal(result.exitCode, 0, result.stderr);
  t.match(text(PATHS), '\nReadWritePaths=-/var/www/html\n');
  t.match(text(PATHS), '\nReadWritePaths=-/var/lib/prometheus/node-exporter\n');
  t.match(result.stderr, /\/var\/lib\/prometheus\/node-exporter is not there/);
  t.notMatch(result.stderr, /\/var\/www\/html is not there/);
});

await t.test('a run of cron, a shell or the update manager is seen', { skip }, async (t) => {
  const { dir, install, host } = await setup(t);
  await install([]);
  const state = host('var/lib/orchestrator-update');
  const lock = acquireLock(join(state, 'lock'));
  const who = new RegExp(`error: a run is under way \\(process ${process.pid}, since 20`);
  writeFileSync(join(dir, 'source/dist/main.js'), 'another');
  for (const args of [[], ['--uninstall']]) {
    const refused = await install(args);
    t.equal(refused.exitCode, 1);
    t.match(refused.stderr, who);
    t.match(refused.stderr, / do: {2}wait until it has ended/);
    t.equal(readFileSync(host(`${PROGRAM}/current/main.js`), 'utf8'), '');
  }
  lock?.release();

  // At rest it does not mind a new program: it has its own.
  const watch = acquireLock(join(state, 'watch.lock'));
  t.equal((await install([])).exitCode, 0);
  const refused = await install(['--uninstall']);
  t.equal(refused.exitCode, 1);
  t.match(refused.stderr, /the update manager is at work.*\n.*\n.*docker stop update_manager/);
  t.ok(existsSync(host(PROGRAM)));
  watch?.release();
  const done = await install(['--uninstall']);
  t.equal(done.exitCode, 0);
  t.match(done.stdout, /not looked for: a line in a crontab/);
});

await t.test('a run of the service is stopped with it', { skip }, async (t) => {
  const { install, host } = await setup(t);
  await install([]);
  const lock = acquireLock(host('var/lib/orchestrator-update/lock'));
  t.equal((await install(['--uninstall'], { FAKE_STATE: 'activating' })).exitCode, 0);
  lock?.release();
});
