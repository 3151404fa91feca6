import t from 'tap';
import { printable } from '../../../src/argv/command.ts';
import {
  resticBackup,
  resticByHand,
  resticCheck,
  resticForget,
  resticForgetOne,
  resticInit,
  resticLock,
  resticLocks,
  resticRestore,
  resticSnapshots,
  resticStats,
  resticUnlock,
  resticVersion,
} from '../../../src/argv/restic.ts';

const owner = { host: 'vm', project: 'shop' };

await t.test('a backup is the directory it is run in, whatever that is called', async (t) => {
  const facts = { ...owner, name: 'B1', commit: 'abc', at: '2026-01-02 03:04:05' };
  const tags = 'orchestrator-update,project=shop,backup=B1,commit=abc';
  const rest = `--time '2026-01-02 03:04:05' --ignore-inode --ignore-ctime`;
  t.equal(
    printable(resticBackup(facts)),
    `restic backup --json --host vm --tag ${tags} ${rest} -- .`,
  );
  t.equal(
    printable(resticBackup({ ...facts, parent: '1a2b' })),
    `restic backup --json --host vm --tag ${tags} ${rest} --parent 1a2b -- .`,
  );
});

await t.test('only what is ours is forgotten, in one group', async (t) => {
  const own = '--host vm --tag orchestrator-update,project=shop --group-by host';
  t.equal(
    printable(resticForget(owner, { hourly: 24, daily: 7, weekly: 5, monthly: 12 })),
    `restic forget ${own} --keep-hourly 24 --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --prune`,
  );
  const some = resticForget(owner, { hourly: 0, daily: 7, weekly: 0, monthly: 0 });
  t.equal(printable(some), `restic forget ${own} --keep-daily 7 --prune`);
  t.equal(printable(resticForgetOne('1a2b')), 'restic forget 1a2b');
});

await t.test('a check reads as much of the data as is wanted', async (t) => {
  t.equal(printable(resticCheck(0)), 'restic check');
  t.equal(printable(resticCheck(2.5)), 'restic check --read-data-subset=2.5%');
  t.equal(printable(resticCheck(100)), 'restic check --read-data');
});

await t.test('what only looks takes no lock; nothing but `unlock` takes one away', async (t) => {
  const looking = [resticSnapshots('shop'), resticLocks, resticLock('1a'), resticStats];
  for (const command of looking) t.ok(command.args.includes('--no-lock'), printable(command));
  t.equal(printable(resticUnlock), 'restic unlock', 'never --remove-all: it takes live ones');
  t.equal(
    printable(resticSnapshots('shop')),
    'restic snapshots --json --no-lock --tag orchestrator-update,project=shop',
  );
  t.equal(printable(resticLock('1a')), 'restic cat lock 1a --no-lock');
  t.equal(printable(resticInit), 'restic init');
  t.equal(printable(resticVersion), 'restic version');
});

await t.test('holes are restored where restic can', async (t) => {
  t.equal(
    printable(resticRestore('1a2b', '/srv/x', false)),
    'restic restore 1a2b --json --verify --target /srv/x',
  );
  t.ok(resticRestore('1a2b', '/srv/x', true).args.includes('--sparse'));
});

await t.test('a person is told repository and password file; never a password', async (t) => {
  const place = { repository: 'sftp:h:/my backups', passwordFile: '/etc/pw' };
  t.equal(
    printable(resticByHand(place, resticUnlock)),
    "restic -r 'sftp:h:/my backups' -p /etc/pw unlock",
  );
});
