import t from 'tap';
import { startInstalled } from '../installed-host.ts';

const backup = '/home/geo/operation/backups/latest/autonomy';

/** Files that a naive copy gets wrong; none of them is in git. */
const oddFiles = `
set -e
mkdir data && cd data
mkdir shared && chgrp docker shared && chmod 2775 shared && echo a >shared/note
mkdir sticky && chmod 1777 sticky
ln -s /etc/hostname absolute && ln -s ../nowhere dangling && ln -s shared directory
echo linked >one && ln one two
echo theirs >theirs && chown 1234:5678 theirs && chmod 0640 theirs
echo tool >tool && chmod 4750 tool
echo noted >noted && setfattr -n user.origin -v lab noted
echo listed >listed && setfacl -m u:1234:r listed
truncate -s 20M sparse && printf end >>sparse
printf 'x' >'a name with  blanks and ü'
touch -h -d '2001-02-03 04:05:06' absolute one && touch -d '2001-02-03 04:05:06' shared
`;

const describe = `
set -e
cd "$1"
find . -path ./config/.git -prune -o -printf '%P|%y|%m|%U|%G|%n|%T@|%l|' \\( -type f -printf '%s' -o -true \\) -printf '\\n' | sort
find . -type f -not -path './config/.git' -exec sha256sum {} + | sort -k 2
find data -not -type l -print0 | sort -z | xargs -0 getfattr -d -m -
find data -not -type l -print0 | sort -z | xargs -0 getfacl -n
[ data/one -ef data/two ] && echo 'one and two are the same file'
[ "$(du -k data/sparse | cut -f 1)" -lt 1000 ] && echo 'sparse'
`;

await t.test('inside its sandbox', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());

  for (const unit of ['orchestrator-update.service', 'orchestrator-update-recover.service']) {
    const security = await host.run('systemd-analyze', ['security', '--no-pager', unit]);
    const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(security.stdout)?.[1];
    t.ok(Number(exposure) > 0 && Number(exposure) <= 2.5, `${unit}: ${exposure}`);
  }

  const made = await host.bash(oddFiles, { cwd: host.projectDir });
  t.equal(made.exitCode, 0, made.stderr);
  const args = ['-c', describe, 'describe'];
  const live = await host.run('bash', [...args, host.projectDir]);
  t.equal(live.exitCode, 0, live.stderr);
  for (const expected of [
    'data/shared|d|2775|0|',
    'data/tool|f|4750|',
    'data/dangling|l|777|0|0|1|',
    'data/theirs|f|640|1234|5678|',
    'user.origin="lab"',
    'user:1234:r--',
    'one and two are the same file',
    'sparse',
  ]) {
    t.ok(live.stdout.includes(expected), `made: ${expected}`);
  }

  const commit = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });
  const { exitCode } = await host.update();
  if (exitCode !== 0) t.comment(await host.journal());
  t.equal(exitCode, 0, 'the whole run works in there');
  t.equal(await host.head(), commit);
  t.match(await host.served(8082), { version: 'v2' });

  const copied = await host.run('bash', [...args, backup]);
  t.equal(copied.exitCode, 0, copied.stderr);
  t.same(copied.stdout.split('\n'), live.stdout.split('\n'), 'the backup is the same in every way');
  const ino = ['-c', '%i', `${backup}/data/one`, `${host.projectDir}/data/one`];
  const inodes = (await host.run('stat', ino)).stdout.split('\n');
  t.not(inodes[0], inodes[1], 'and shares no inode with the live tree');
  t.match(await host.run('systemctl', ['--failed', '--no-legend']), { stdout: '' });
  const units = await host.run('systemctl', ['list-units', '--all', '--no-legend', '*update-*']);
  t.notMatch(units.stdout, /run-|copy/, 'no transient unit is left');
});
