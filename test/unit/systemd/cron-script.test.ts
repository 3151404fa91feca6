import {
  chownSync,
  existsSync,
  lchownSync,
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
import t from 'tap';
import { setup } from '../../support/install.ts';

const project = resolve(import.meta.dirname, '../../..');
const skip = process.getuid?.() === 0 ? false : 'the installer needs root';

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

await t.test('a root that is a link of root’s: nothing is written as root', { skip }, async (t) => {
  const { cluster, install, host } = await setup(t);
  const secret = host('root-only');
  const real = host('srv/of-the-owner');
  mkdirSync(secret, { recursive: true, mode: 0o755 });
  mkdirSync(real, { recursive: true });
  mkdirSync(resolve(host(cluster), '..'), { recursive: true });
  symlinkSync(real, host(cluster));
  symlinkSync(secret, join(real, 'scripts'));
  lchownSync(join(real, 'scripts'), 1234, 1234);
  chownSync(real, 1234, 1234);
  t.match((await install(['--cron-script'])).stderr, /could not be made by the owner/);
  t.same(readdirSync(secret), []);

  // The directory alone is the owner's, or what it is in.
  chownSync(real, 0, 0);
  t.match((await install(['--cron-script'])).stderr, /could not be made by the owner/);
  t.same(readdirSync(secret), []);
  rmSync(join(real, 'scripts'));
  chownSync(host('srv'), 1234, 1234);
  t.match((await install(['--cron-script'])).stderr, /could not be made by the owner/);
  t.notOk(existsSync(join(real, 'scripts')));

  const link = join(real, 'scripts/orchestrator_full_update.sh');
  chownSync(real, 1234, 1234);
  t.match((await install(['--cron-script'])).stdout, `linked ${link}`);
  t.equal(lstatSync(link).uid, 1234);
  // Of root's, in a place that the owner now points to: not taken away as root either.
  symlinkSync(`/${CRON}`, join(secret, 'orchestrator_full_update.sh'));
  rmSync(join(real, 'scripts'), { recursive: true });
  symlinkSync(secret, join(real, 'scripts'));
  t.match((await install(['--uninstall'])).stderr, /could not be removed by the owner/);
  t.same(readdirSync(secret), ['orchestrator_full_update.sh']);
});
