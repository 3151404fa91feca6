import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';

const project = resolve(import.meta.dirname, '../../..');

/** A host under DESTDIR whose systemctl only writes down what it is told. */
async function setup(t: Test) {
  const dir = t.testdir({
    bin: {
      systemctl:
        '#!/bin/sh\necho "$*" >>"$FAKE_CALLS"\n[ "$1" != is-active ] || echo "${FAKE_STATE:-inactive}"\n',
      docker:
        '#!/bin/sh\ncase "$*" in *config*) printf \'{\\n  "name": "from-compose"\\n}\\n\' ;; esac\n',
      runuser: '#!/bin/sh\nshift 3\nexec "$@"\n',
      rsync: '#!/bin/sh\n',
    },
    host: { run: { systemd: { system: {} } } },
    calls: '',
    source: {
      dist: {
        'main.js': '',
        'koffi.node': '',
        VERSION: '1.0.0\n',
        bin: { node: '#!/bin/sh\necho v24\n' },
        share: Object.fromEntries(
          ['8', 'bash', 'zsh', 'fish'].map((ending) => [`orchestrator-update.${ending}`, ending]),
        ),
      },
    },
    cluster: { autonomy: {} },
  });
  for (const name of ['systemctl', 'docker', 'runuser', 'rsync']) {
    chmodSync(join(dir, 'bin', name), 0o755);
  }
  chmodSync(join(dir, 'source/dist/bin/node'), 0o755);
  mkdirSync(join(dir, 'host/usr'), { recursive: true });
  await execa('cp', ['-R', join(project, 'install'), join(project, 'systemd'), `${dir}/source`]);
  await execa('git', ['init', '--quiet', join(dir, 'cluster')]);

  const cluster = join(dir, 'cluster');
  const install = (args: readonly string[], env: Record<string, string> = {}) =>
    execa(join(dir, 'source/install/install_update_service.sh'), ['--root', cluster, ...args], {
      reject: false,
      env: {
        PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
        DESTDIR: join(dir, 'host'),
        FAKE_CALLS: join(dir, 'calls'),
        ...env,
      },
    });
  const host = (path: string) => join(dir, 'host', path);
  const text = (path: string) => readFileSync(host(path), 'utf8');
  const calls = () => readFileSync(join(dir, 'calls'), 'utf8').split('\n');
  return { dir, cluster, install, host, text, calls };
}

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

const CRON = 'usr/local/sbin/orchestrator_full_update.sh';

await t.test('what cron calls is installed where it is asked for', { skip }, async (t) => {
  const { cluster, install, host, text } = await setup(t);
  const directory = host(`${cluster}/scripts`);
  const link = `${directory}/orchestrator_full_update.sh`;
  const own = readFileSync(join(project, 'install/orchestrator_full_update.sh'), 'utf8');
  await install([]);
  t.notOk(existsSync(host(CRON)), 'nobody asked');
  t.match((await install(['--cron-script', '--dry-run'])).stdout, /would link .*scripts/);
  t.notOk(existsSync(host(CRON)));

  chownSync(host(cluster), 1234, 1234);
  t.equal((await install(['--cron-script'])).exitCode, 0);
  t.equal(statSync(host(CRON)).mode & 0o777, 0o755);
  t.equal(text(CRON), own);
  t.equal(readlinkSync(link), `/${CRON}`);
  t.equal(lstatSync(link).uid, 1234, 'made with the rights of the owner');
  writeFileSync(host(CRON), 'old');
  await install([]);
  t.equal(text(CRON), own, 'an upgrade brings it, too');

  await install(['--uninstall']);
  t.notOk(existsSync(host(CRON)));
  t.same(readdirSync(directory), []);
});

await t.test('what has its name, and is not ours, stays', { skip }, async (t) => {
  const { cluster, install, host } = await setup(t);
  const theirs = host(`${cluster}/scripts/orchestrator_full_update.sh`);
  mkdirSync(host(`${cluster}/scripts`), { recursive: true });
  writeFileSync(theirs, 'theirs');
  const result = await install(['--cron-script']);
  t.equal(result.exitCode, 0);
  t.match(result.stderr, /scripts\/orchestrator_full_update\.sh is left as it is/);
  await install(['--uninstall']);
  t.equal(readFileSync(theirs, 'utf8'), 'theirs');

  // A directory that the owner has made a link of root's: nothing is written there.
  const secret = host('root-only');
  mkdirSync(secret, { mode: 0o700 });
  rmSync(host(`${cluster}/scripts`), { recursive: true });
  symlinkSync(secret, host(`${cluster}/scripts`));
  chownSync(host(cluster), 1234, 1234);
  t.match((await install(['--cron-script'])).stderr, /could not be made by the owner/);
  t.same(readdirSync(secret), []);
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
