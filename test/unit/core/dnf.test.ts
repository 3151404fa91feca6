import t from 'tap';
import {
  changesOf,
  factsOf,
  isDamaged,
  lockedIn,
  needersIn,
  plannedIn,
  rpmsIn,
  versionsByName,
} from '../../../src/core/dnf.ts';
import { decide } from '../../../src/core/engine-mode.ts';
import { dockerdIn, isContainerdStepBack } from '../../../src/core/engine-transaction.ts';
import { isVersion, judgeUpgrade } from '../../../src/core/engine-upgrade.ts';

// The tables and lists below are what dnf 4.14 with rpm 4.18, and dnf 5.4.6 with rpm 6.1, print of packages made for that.

const installed = rpmsIn(
  [
    'docker-ce-cli 1:28.5.1-1.el9 x86_64 1795655401',
    'containerd.io 0:1.7.28-1.el9 x86_64 1795655401',
    'docker-ce 3:28.5.1-1.el9 x86_64 1795655401',
    '',
  ].join('\n'),
);

const upgradeOfDnf4 = `Last metadata expiration check: 0:00:01 ago on Thu Nov 26 01:10:01 2026.
Dependencies resolved.
================================================================================
 Package            Arch        Version             Repository             Size
================================================================================
Upgrading:
 containerd.io      x86_64      2.1.5-1.el9         docker-ce-stable      6.2 k
 docker-ce          x86_64      3:29.3.0-1.el9      docker-ce-stable      6.3 k
 docker-ce-cli      x86_64      1:29.3.0-1.el9      docker-ce-stable      6.2 k
Installing dependencies:
 nftables           x86_64      1:1.0.9-1.el9       docker-ce-stable      6.2 k

Transaction Summary
================================================================================
Install  1 Package
Upgrade  3 Packages

Total size: 25 k
Operation aborted.
`;

const upgradeOfDnf5 = `Package                    Arch   Version        Repository            Size
Upgrading:
 containerd.io             x86_64 0:2.1.5-1.el9  docker-ce-stable  20.0   B
   replacing containerd.io x86_64 0:1.7.28-1.el9 docker-ce-stable  21.0   B
 docker-ce                 x86_64 3:29.3.0-1.el9 docker-ce-stable  17.0   B
   replacing docker-ce     x86_64 3:28.5.1-1.el9 docker-ce-stable  17.0   B
 docker-ce-cli             x86_64 1:29.3.0-1.el9 docker-ce-stable  21.0   B
   replacing docker-ce-cli x86_64 1:28.5.1-1.el9 docker-ce-stable  21.0   B
Installing dependencies:
 nftables                  x86_64 1:1.0.9-1.el9  docker-ce-stable  15.0   B

Transaction Summary:
 Installing:         1 package
 Upgrading:          3 packages
 Replacing:          3 packages

Total size of inbound packages is 25 KiB. Need to download 25 KiB.
After this operation, 14 B extra will be used (install 73 B, remove 59 B).
`;

const upgrade = [
  { name: 'containerd.io', from: '1.7.28-1.el9', to: '2.1.5-1.el9' },
  { name: 'docker-ce', from: '3:28.5.1-1.el9', to: '3:29.3.0-1.el9' },
  { name: 'docker-ce-cli', from: '1:28.5.1-1.el9', to: '1:29.3.0-1.el9' },
  { name: 'nftables', from: undefined, to: '1:1.0.9-1.el9' },
];

await t.test('what dnf would do, by the tables of both its versions', async (t) => {
  for (const text of [upgradeOfDnf4, upgradeOfDnf5]) {
    const changes = changesOf(plannedIn(text) ?? [], installed);
    t.same(changes, upgrade);
    t.same(judgeUpgrade(changes).refusals, []);
    t.equal(dockerdIn(changes, 'to'), '29.3.0');
  }
  const back = `Dependencies resolved.
================================================================================
 Package             Architecture Version              Repository          Size
================================================================================
Downgrading:
 containerd.io       x86_64       1.7.28-1.el9         @commandline       6.2 k

Transaction Summary
`;
  const newer = rpmsIn('containerd.io 0:2.1.5-1.el9 x86_64 1795655433\n');
  const step = changesOf(plannedIn(back) ?? [], newer);
  t.same(step, [{ name: 'containerd.io', from: '2.1.5-1.el9', to: '1.7.28-1.el9' }]);
  t.ok(isContainerdStepBack(step));
});

const replacesOfDnf4 = `Dependencies resolved.

 Problem: cannot install the best update candidate for package docker-model-plugin-1.0.0-1.el9.x86_64
  - nothing provides nope needed by docker-model-plugin-1.0.1-1.el9.x86_64
================================================================================
 Package                    Architecture  Version              Repository  Size
================================================================================
Upgrading:
 containerd.io              x86_64        2.2.0-1.el9          obs        5.5 k
     replacing  runc.x86_64 4:1.1.12-1.el9
Skipping packages with broken dependencies:
 docker-model-plugin        x86_64        1.0.1-1.el9          obs        5.5 k

Transaction Summary
================================================================================
Upgrade  1 Package
Skip     1 Package
`;

const replacesOfDnf5 = `Problem: cannot install the best update candidate for package docker-model-plugin-1.0.0-1.el9.x86_64
  - nothing provides nope needed by docker-model-plugin-1.0.1-1.el9.x86_64 from obs

Package                    Arch   Version        Repository        Size
Upgrading:
 containerd.io             x86_64 0:2.2.0-1.el9  obs            0.0   B
   replacing containerd.io x86_64 0:2.1.5-1.el9  @commandline  20.0   B
   replacing runc          x86_64 4:1.1.12-1.el9 @commandline   0.0   B
Skipping packages with broken dependencies:
 docker-model-plugin       x86_64 1.0.1-1.el9    obs            0.0   B

Transaction Summary:
 Upgrading:          1 package
 Replacing:          2 packages
 Skipping:           1 package
`;

await t.test('what takes the place of another, and what is not touched', async (t) => {
  const there = rpmsIn('runc 4:1.1.12-1.el9 x86_64 1\ncontainerd.io 0:2.1.5-1.el9 x86_64 1\n');
  for (const text of [replacesOfDnf4, replacesOfDnf5]) {
    const changes = changesOf(plannedIn(text) ?? [], there);
    t.same(changes, [
      { name: 'containerd.io', from: '2.1.5-1.el9', to: '2.2.0-1.el9' },
      { name: 'runc', from: '4:1.1.12-1.el9', to: undefined },
    ]);
    t.same(judgeUpgrade(changes).refusals, ['it would remove runc 4:1.1.12-1.el9']);
  }
  const again = ` Package         Architecture Version              Repository              Size
================================================================================
Reinstalling:
 docker-ce       x86_64       3:28.5.1-1.el9       docker-ce-stable       6.2 k

Transaction Summary
`;
  t.same(plannedIn(again), []);
  const removal = `Dependencies resolved.
================================================================================
 Package       Architecture  Version                 Repository            Size
================================================================================
Removing:
 runc          x86_64        4:1.1.12-1.el9          @@commandline          0  
Removing dependent packages:
 podman        x86_64        4:4.9.4-1.el9           @@commandline          0  

Transaction Summary
`;
  t.same(plannedIn(removal), [
    { name: 'runc', to: undefined },
    { name: 'podman', to: undefined },
  ]);
});

await t.test('no table: nothing to do, or it cannot be done', async (t) => {
  t.equal(plannedIn('Dependencies resolved.\nNothing to do.\nComplete!\n'), undefined);
  t.equal(plannedIn('Error: \n Problem: conflicting requests\n'), undefined);
});

await t.test('versions that can be had, newest first, whatever the order', async (t) => {
  // dnf 4 leaves every second line empty.
  const text = `docker-ce 3:28.5.9-1.el9 x86_64\n\ndocker-ce 3:28.5.10-1.el9 x86_64\n
containerd.io 0:2.1.5-1.el9 x86_64\n\ndocker-ce 3:28.5.10-1.el9 x86_64\n`;
  const versions = versionsByName(rpmsIn(text));
  t.same(versions.get('docker-ce'), ['3:28.5.10-1.el9', '3:28.5.9-1.el9']);
  t.same(versions.get('containerd.io'), ['2.1.5-1.el9']);
  t.ok(isVersion('3:28.5.10-1.el9', '28.5.10'));
  const patch = [{ name: 'docker-ce', from: '3:28.5.9-1.el9', to: '3:28.5.10-1.el9' }];
  t.equal(decide('security', patch), 'upgrade');
  t.equal(decide('security', upgrade), 'tell');
});

await t.test('packages that are installed, whole or not', async (t) => {
  const twice = rpmsIn('docker-ce 3:28.5.2-1.el9 x86_64 1795655529\n');
  const facts = factsOf([...installed, ...twice], {
    available: new Map([
      ['docker-ce', ['3:29.3.0-1.el9', '3:28.5.2-1.el9']],
      ['docker-ce-cli', ['1:27.0.0-1.el9']],
    ]),
    locked: new Set(['docker-ce-cli']),
    damaged: new Set(['containerd.io']),
  });
  t.same(
    facts.map((one) => [one.name, one.version, one.candidate, one.isHeld, one.isWhole]),
    [
      ['docker-ce-cli', '1:28.5.1-1.el9', undefined, true, true],
      ['containerd.io', '1.7.28-1.el9', undefined, false, false],
      ['docker-ce', '3:28.5.2-1.el9', '3:29.3.0-1.el9', false, false],
    ],
  );
});

await t.test('programs that are not what was installed', async (t) => {
  t.ok(isDamaged('S.5....T.    /usr/bin/dockerd\n'));
  t.ok(isDamaged('missing     /usr/bin/docker\n'));
  t.ok(isDamaged('..5......    /usr/libexec/docker/cli-plugins/docker-compose\n'));
  t.notOk(isDamaged('.......T.    /usr/bin/dockerd\n'), 'its time only');
  t.notOk(isDamaged('..?......    /usr/bin/dockerd\n'), 'it cannot be read');
  t.notOk(isDamaged('.........    /usr/bin/docker-ce (replaced)\n'));
  t.notOk(isDamaged('S.5....T.  c /etc/containerd/config.toml\n'), 'a person has');
  t.notOk(isDamaged('S.5....T.    /usr/lib/systemd/system/docker.service\n'), 'a person has');
  t.notOk(isDamaged('missing   d /usr/share/man/man1/docker.1.gz\n'), 'not wanted here');
  t.notOk(isDamaged('package docker-ce is not installed\n'));
});

await t.test('locks, in the words of both versions', async (t) => {
  const names = ['docker-ce', 'docker-ce-cli', 'containerd.io', 'io'];
  const dnf4 = `Last metadata expiration check: 0:00:31 ago on Thu Nov 26 01:10:01 2026.
docker-ce-3:28.5.1-1.el9.*
!containerd.io-0:2.1.5-1.el9.*
docker-ce-rootless-extras-0:28.5.1-1.el9.*
`;
  t.same([...lockedIn(dnf4, names)], ['docker-ce']);
  t.same([...lockedIn('containerd.io\n', names)], ['containerd.io'], 'as a person writes it');
  const dnf5 = `# Added by 'versionlock add' command on 2026-11-26 01:11:21
Package name: docker-ce
evr = 3:28.5.1-1.el9

Package name: containerd.io
evr != 2.1.5-1.el9
`;
  t.same([...lockedIn(dnf5, names)], ['docker-ce']);
});

await t.test('who needs what is to be removed', async (t) => {
  const text = `error: Failed dependencies:
\tnftables is needed by (installed) firewalld-0:2.1.2-1.el9.noarch
\tlibnftables.so.1()(64bit) is needed by (installed) docker-ce-3:28.5.1-1.el9.x86_64
`;
  t.same(needersIn(text), [
    { name: 'firewalld', version: '2.1.2-1.el9' },
    { name: 'docker-ce', version: '3:28.5.1-1.el9' },
  ]);
  t.same(needersIn(''), []);
});
