import t from 'tap';
import * as apt from '../../../src/argv/apt.ts';
import { printable } from '../../../src/argv/command.ts';
import * as dnf from '../../../src/argv/dnf.ts';
import { inPackagesUnit } from '../../../src/argv/engine-upgrade.ts';
import { apt as aptHost } from '../../../src/host/apt.ts';
import { createDnf } from '../../../src/host/dnf.ts';

const INSTALL =
  '--option=Dpkg::Options::=--force-confold --option=Dpkg::Options::=--force-confdef ' +
  '--option=DPkg::Lock::Timeout=600 --option=APT::Sandbox::User=root install --yes ' +
  '--no-install-recommends --allow-downgrades --allow-change-held-packages';

const inUnit = (settings: string, environment: string, command: string): string =>
  'systemd-run --quiet --wait --collect --unit=orchestrator-engine-packages.service ' +
  `'--description=packages of the Docker engine' ${settings}` +
  '--property=StandardOutput=append:/l --property=StandardError=append:/l ' +
  '--property=KillSignal=SIGCONT --property=TimeoutStopSec=900 ' +
  `${environment} --setenv=LC_ALL=C.UTF-8 -- ${command}`;

await t.test('what apt and dpkg are asked', async (t) => {
  const said = [
    apt.listInstalled(['runc']),
    apt.listCandidates(['runc']),
    apt.listHeld,
    apt.listVersions('runc'),
    apt.simulateUpgrade(['docker.io=28.5.2', 'runc']),
    apt.downloadPackages(['runc=1.3.6']),
    apt.repackPackage('runc'),
    apt.packageFields('/a/runc_1.deb'),
    apt.readPackage('/a/runc_1.deb'),
    apt.auditPackages,
    apt.configurePackages,
    apt.holdPackages(['runc']),
    apt.unholdPackages(['runc']),
    apt.verifyPackages(['runc']),
    apt.installFiles(['/a/runc_1.deb'], ['tini']),
    apt.simulateFiles(['/a/runc_1.deb'], ['tini']),
    apt.forceFiles(['/a/runc_1.deb']),
  ];
  t.same(said.map(printable), [
    String.raw`dpkg-query --show '--showformat=${'${Package}'}\t${'${Version}'}\t${'${db:Status-Abbrev}'}\n' -- runc`,
    'apt-cache policy -- runc',
    'apt-mark showhold',
    'apt-cache madison -- runc',
    'apt-get -o Debug::NoLocking=true install --simulate --only-upgrade --allow-change-held-packages -- docker.io=28.5.2 runc',
    'apt-get -o APT::Sandbox::User=root download -- runc=1.3.6',
    'dpkg-repack -- runc',
    String.raw`dpkg-deb --show '--showformat=${'${Package}'}\t${'${Version}'}\t${'${Architecture}'}\n' -- /a/runc_1.deb`,
    'dpkg-deb --contents -- /a/runc_1.deb',
    'dpkg --audit',
    'dpkg --force-confold --configure --pending',
    'apt-mark hold -- runc',
    'apt-mark unhold -- runc',
    'dpkg --verify runc',
    `apt-get ${INSTALL} /a/runc_1.deb tini-`,
    `apt-get --simulate --option=Debug::NoLocking=true ${INSTALL} /a/runc_1.deb tini-`,
    'dpkg --force-downgrade --force-remove-reinstreq --force-confold --force-confdef --install -- /a/runc_1.deb',
  ]);
});

await t.test('what dnf and rpm are asked', async (t) => {
  const fields = String.raw`'--queryformat=%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{INSTALLTIME}\n'`;
  const locked = "--disableplugin=versionlock '--setopt=disable_excludes=*'";
  const said = [
    dnf.listInstalledRpms(['docker-ce', 'containerd.io']),
    dnf.listAvailableRpms(['docker-ce']),
    dnf.listLocks,
    dnf.unlockRpms(['docker-ce']),
    dnf.lockRpms(['docker-ce']),
    dnf.simulateUpgradeOfRpms(['docker-ce-3:28.5.2-1.el9', 'containerd.io']),
    dnf.downloadRpm('docker-ce', '3:28.5.2-1.el9', 'x86_64'),
    dnf.rpmFields('/a/docker-ce-28.rpm'),
    dnf.checkRpm('/a/docker-ce-28.rpm'),
    dnf.verifyRpm('docker-ce'),
    dnf.installRpms(['/a/docker-ce-28.rpm']),
    dnf.simulateRpms(['/a/docker-ce-28.rpm']),
    dnf.removeRpms(['nftables']),
    dnf.whoNeedsRpms(['nftables']),
    dnf.forceRpms(['/a/docker-ce-28.rpm']),
  ];
  t.same(said.map(printable), [
    `rpm --query --all ${fields} docker-ce containerd.io`,
    `dnf --quiet --cacheonly ${locked} repoquery ` +
      String.raw`'--queryformat=%{name} %{epoch}:%{version}-%{release} %{arch}\n' docker-ce`,
    "dnf --cacheonly '--disablerepo=*' versionlock list",
    "dnf --cacheonly '--disablerepo=*' versionlock delete docker-ce",
    "dnf --cacheonly '--disablerepo=*' versionlock add docker-ce",
    `dnf --cacheonly --assumeno ${locked} --setopt=install_weak_deps=False upgrade docker-ce-3:28.5.2-1.el9 containerd.io`,
    `dnf --quiet ${locked} download --arch=x86_64 --arch=noarch docker-ce-3:28.5.2-1.el9`,
    `rpm --query --package --nosignature ${fields} /a/docker-ce-28.rpm`,
    "rpmkeys --checksig '--define=_pkgverify_level all' /a/docker-ce-28.rpm",
    'rpm --verify --nodeps --noscripts docker-ce',
    `dnf --assumeyes '--disablerepo=*' ${locked} --setopt=install_weak_deps=False install /a/docker-ce-28.rpm`,
    `dnf --assumeno '--disablerepo=*' ${locked} --setopt=install_weak_deps=False install /a/docker-ce-28.rpm`,
    'rpm --erase nftables',
    'rpm --erase --test nftables',
    'rpm --upgrade --oldpackage --replacepkgs /a/docker-ce-28.rpm',
  ]);
});

await t.test('the unit that installs starts no service', async (t) => {
  const ofApt = aptHost.files.deferral('/p');
  t.equal(
    printable(inPackagesUnit(apt.auditPackages, ofApt, '/l')),
    inUnit(
      '--property=BindReadOnlyPaths=/p:/usr/sbin/policy-rc.d ',
      '--setenv=DEBIAN_FRONTEND=noninteractive --setenv=NEEDRESTART_SUSPEND=1',
      'dpkg --audit',
    ),
  );
  const ofDnf = createDnf().files.deferral('/p');
  t.equal(
    printable(inPackagesUnit(dnf.removeRpms(['x']), ofDnf, '/l')),
    inUnit('', '--setenv=SYSTEMD_OFFLINE=1', 'rpm --erase x'),
  );
});

await t.test('nothing of the engine is ever purged or removed with what needs it', async (t) => {
  const words = [
    apt.installFiles(['a.deb'], ['b']),
    apt.forceFiles(['a.deb']),
    dnf.installRpms(['a.rpm']),
    dnf.removeRpms(['b']),
    dnf.forceRpms(['a.rpm']),
  ].flatMap(({ args }) => args);
  for (const never of ['--purge', 'purge', 'remove', '--nodeps', '--allowerasing', '--force']) {
    t.notOk(words.includes(never), never);
  }
});
