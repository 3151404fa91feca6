import t from 'tap';
import { printable } from '../../../src/argv/command.ts';
import {
  composeBuild,
  composeConfig,
  composeDown,
  composeHashes,
  composeUp,
  type ComposeProject,
} from '../../../src/argv/compose.ts';
import { dockerPull } from '../../../src/argv/docker.ts';
import {
  filesChangedSince,
  findAll,
  isUnderstood,
  syncFilesystem,
} from '../../../src/argv/files.ts';
import { rsyncCopy } from '../../../src/argv/rsync.ts';
import { sendmail } from '../../../src/argv/sendmail.ts';
import { printableStep } from '../../../src/argv/steps.ts';
import { systemctlShow } from '../../../src/argv/systemctl.ts';
import {
  outsideSandbox,
  programOutsideSandbox,
  recoverLater,
  stopCopies,
  thawLater,
} from '../../../src/argv/systemd-run.ts';
import type { Step } from '../../../src/core/plan.ts';

const project: ComposeProject = {
  name: 'shop',
  files: ['/srv/shop/a.yaml', '/srv/shop/b c.yaml'],
  directory: '/srv/shop',
  profiles: ['gpu'],
};
const named =
  'docker compose --ansi never --project-name shop --project-directory /srv/shop ' +
  "--file /srv/shop/a.yaml --file '/srv/shop/b c.yaml' --profile gpu";

await t.test('compose commands name the project, its files and profiles', async (t) => {
  t.equal(printable(composeConfig(project)), `${named} config --format json`);
  t.equal(printable(composeHashes(project)), `${named} config --hash '*'`);
  t.equal(printable(composeBuild(project, ['web'])), `${named} build -- web`);
  t.equal(printable(composeDown(project)), `${named} down --remove-orphans`);
  t.equal(
    printable(composeUp(project, { services: ['web', 'db'], removeOrphans: true })),
    `${named} up --detach --no-build --pull never --remove-orphans --no-deps -- web db`,
  );
  t.equal(
    printable(composeUp(project, { services: [], removeOrphans: false })),
    `${named} up --detach --no-build --pull never`,
  );
});

await t.test('without files compose finds its own', async (t) => {
  t.notOk(composeConfig({ ...project, files: [], profiles: [] }).args.includes('--file'));
});

await t.test('no command can delete a volume, build or pull behind our back', async (t) => {
  const up = composeUp(project, { services: ['web'], removeOrphans: true });
  for (const { args } of [up, composeDown(project)]) {
    for (const never of ['-v', '--volumes', '-y', '--yes', '--build', '--rmi']) {
      t.notOk(args.includes(never), never);
    }
  }
  t.equal(up.args[up.args.indexOf('--pull') + 1], 'never');
});

await t.test('a printed command can be pasted into a shell', async (t) => {
  const words = ["it's 'so'", '$HOME', 'a b', '', '*', 'plain-1.2/x:y@z=1', '~', ';id', 'a\nb'];
  t.equal(
    printable({ file: 'echo', args: words }),
    String.raw`echo 'it'\''s '\''so'\''' '$HOME' 'a b' '' '*' plain-1.2/x:y@z=1 '~' ';id' 'a` +
      "\nb'",
  );
});

await t.test('copies keep everything and share no inode with their source', async (t) => {
  const { file, args } = rsyncCopy('/a/', '/b/', ['/backups/']);
  t.equal(file, 'rsync');
  t.ok(args.includes('--stderr=all'), 'a broken pipe is not all that is said of a full disk');
  t.ok(args.includes('-aHAXS') && args.includes('--numeric-ids'));
  t.notMatch(args.join(' '), /--link-dest|--inplace/);
  t.same(args.slice(-5), ['--delete', '--exclude=/backups/', '--', '/a/', '/b/']);
});

await t.test('paths of others are never taken for options', async (t) => {
  const { args } = findAll('/tree', ['/b/', '*.log', 'a/c'], 0);
  const pruned = args.slice(2, args.indexOf('(')).join(' ');
  const parts = [
    '-path /tree/b -type d',
    '-name *.log ! -samefile /tree',
    '-path */a/c ! -samefile /tree',
  ];
  t.equal(pruned, parts.map((part) => `${part} -prune -o`).join(' '));
  const patterns = ['/b/', '/b*/', '*.log', 'a/c', 'a/*.c', '/a/*/c'];
  t.same(patterns.map(isUnderstood), [true, false, true, true, false, false]);
  t.same(printable(syncFilesystem('/a')), 'sync --file-system /a');
});

await t.test('a copy outside the sandbox is the same command in a unit of its own', async (t) => {
  const command = outsideSandbox({ file: 'rsync', args: ['-a', '--', '/a', '/b'] }, 3);
  t.same(command.args.slice(-6), ['--', 'rsync', '-a', '--', '/a', '/b']);
  t.ok(command.args.includes('--wait') && command.args.includes('--pipe'));
  const unit = command.args.find((arg) => arg.startsWith('--unit='))?.slice('--unit='.length);
  t.same(stopCopies(3).args, ['stop', unit]);
});

await t.test(
  'a program of the host, such as sendmail, is run outside of it, too, for its time',
  async (t) => {
    t.equal(
      printable(programOutsideSandbox(sendmail('/usr/sbin/sendmail'), 4.5)),
      'systemd-run --quiet --wait --pipe --collect --property=RuntimeMaxSec=5 -- /usr/sbin/sendmail -t -i',
    );
  },
);

await t.test('what changed is listed by the inode, and backups are not looked at', async (t) => {
  t.equal(
    printable(filesChangedSince('/a', ['/b/', '*.tmp'], 12.5)),
    String.raw`find -H /a -path /a/b -prune -o -type f -newerct @12.500 -printf '%P\0'`,
  );
});

const lines = (paused: string[], stopped: string[]): string[] =>
  thawLater({ paused, stopped }, '/s/lock', 330).args.slice(5);

await t.test('a unit that lets a frozen cluster go on waits for the lock', async (t) => {
  const wait = '--property=ExecStartPre=-flock --exclusive --timeout 330 /s/lock true';
  t.same(lines(['a', 'b'], []), [wait, '--', 'docker', 'unpause', 'a', 'b']);
  t.same(lines([], ['c']), [wait, '--', 'docker', 'start', 'c']);
  const unpause = '--property=ExecStartPre=-docker unpause a';
  t.same(lines(['a'], ['c']), [wait, unpause, '--', 'docker', 'start', 'c']);
});

await t.test('a unit that starts the recovery waits for the lock, and for systemd', async (t) => {
  const [start = '', ...rest] = recoverLater('/s/lock').args.slice(-7);
  t.equal(start, '--property=ExecStartPre=flock --exclusive --timeout 86400 /s/lock true');
  const recover = ['systemctl', 'start', '--no-block', 'orchestrator-update-recover.service'];
  t.same(rest, ['--property=ExecStartPre=sleep 10', '--', ...recover]);
});

await t.test('the rest', async (t) => {
  t.equal(printable(dockerPull('web:2')), 'docker pull web:2');
  t.equal(
    printable(systemctlShow('a.timer', ['ActiveState', 'X'])),
    'systemctl show a.timer --property=ActiveState,X',
  );
});

const printed = (step: Step) => printableStep(step).map(printable);

await t.test('what `plan` prints for a step', async (t) => {
  t.same(printed({ do: 'pull', images: ['a:1', 'b:1'] }), ['docker pull a:1', 'docker pull b:1']);
  t.same(printed({ do: 'build', services: ['a'] }), ['docker compose build a']);
  t.same(printed({ do: 'down', release: 'old' }), ['docker compose down --remove-orphans']);
  t.same(printed({ do: 'checkout', commit: 'f'.repeat(40), force: false }), [
    `git checkout ${'f'.repeat(12)}`,
  ]);
  t.same(printed({ do: 'up', services: ['a', 'b'], removeOrphans: true }), [
    'docker compose up --detach --pull never --no-deps a b',
  ]);
  t.same(printed({ do: 'settle', release: 'new' }), [
    'docker compose up --detach --pull never --remove-orphans',
  ]);
  const silent: readonly Step[] = [
    { do: 'sweep' },
    { do: 'backup', name: 'b' },
    { do: 'keep-images', images: [] },
    { do: 'restore-images', images: [] },
  ];
  for (const step of silent) t.same(printed(step), [], step.do);
});
