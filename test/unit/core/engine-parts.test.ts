import t from 'tap';
import { judgeUpgrade, upgradable } from '../../../src/core/engine-upgrade.ts';
import { candidatesIn, changesIn, installedIn } from '../../../src/core/apt.ts';
import { partsOf, type PackageFacts } from '../../../src/core/engine-parts.ts';

const one = (name: string, version = '1'): PackageFacts => ({
  name,
  version,
  candidate: undefined,
  isHeld: false,
  isWhole: true,
});
const signs = {
  program: '/usr/bin/docker',
  securityOptions: [],
  packageManager: 'apt',
} as const;

await t.test('what dpkg and apt say of packages', async (t) => {
  const candidates = candidatesIn(
    [
      'docker.io:',
      '  Installed: 26.1.5+dfsg1-9+b9',
      '  Candidate: 28.5.2+dfsg4-5',
      '  Version table:',
      '     28.5.2+dfsg4-5 500',
      'runc:',
      '  Installed: 1.1.15',
      '  Candidate: 1.1.15',
      'podman-docker:',
      '  Installed: (none)',
      '  Candidate: (none)',
    ].join('\n'),
  );
  t.same(
    [...candidates],
    [
      ['docker.io', '28.5.2+dfsg4-5'],
      ['runc', '1.1.15'],
    ],
  );
  const lines = [
    'docker.io\t26.1.5+dfsg1-9+b9\tii ',
    'runc\t1.1.15\thi ',
    'containerd\t1.7.24\tiHR',
    'docker-cli\t26.1.5\tiU ',
    'docker-ce\t5:28\trc ',
    'podman-docker\t\tun ',
  ];
  const installed = installedIn(lines.join('\n'), new Set(['runc']), candidates);
  t.same(
    installed.map(({ name, isHeld, isWhole, candidate }) => [name, isHeld, isWhole, candidate]),
    [
      ['docker.io', false, true, '28.5.2+dfsg4-5'],
      ['runc', true, true, '1.1.15'],
      ['containerd', false, false, undefined],
      ['docker-cli', false, false, undefined],
    ],
  );
});

await t.test('the families, and what is of none', async (t) => {
  const debian = partsOf(
    ['docker.io', 'containerd', 'runc', 'docker-cli'].map((n) => one(n)),
    { dockerd: '26.1.5' },
    signs,
  );
  t.match(debian, { family: 'docker.io', why: undefined });
  const named = Object.fromEntries(debian.parts.map((part) => [part.name, part]));
  t.match(named, {
    dockerd: { package: { name: 'docker.io' }, runs: '26.1.5' },
    cli: { package: { name: 'docker-cli' } },
    buildx: { package: undefined },
  });
  const older = partsOf([one('docker.io')], {}, signs).parts.find(({ name }) => name === 'cli');
  t.equal(older?.package?.name, 'docker.io', 'up to Debian 12 it has the command line');
  const docker = partsOf(
    ['docker-ce', 'containerd.io'].map((n) => one(n)),
    {},
    signs,
  );
  t.equal(docker.family, 'docker-ce');
  t.equal(docker.parts.find(({ name }) => name === 'runc')?.package?.name, 'containerd.io');

  const why = (installed: string[], more: object = {}): string | undefined =>
    partsOf(
      installed.map((n) => one(n)),
      {},
      { ...signs, ...more },
    ).why;
  t.match(why([]), /no package has \/usr\/bin\/docker/);
  t.match(why([], { program: undefined }), /no program docker/);
  t.match(why([], { program: '/snap/bin/docker' }), /snap/);
  t.equal(
    why([], { packageManager: undefined }),
    'its packages are of neither apt (Debian, Ubuntu) nor dnf (Fedora, RHEL, Rocky, Alma)',
  );
  t.equal(why(['docker-ce'], { packageManager: 'dnf' }), undefined);
  t.match(why(['moby-engine'], { packageManager: 'dnf' }), /moby-engine/);
  t.match(why(['podman-docker']), /podman/);
  t.match(why(['docker.io', 'docker-ce']), /mixed/);
  t.match(why(['docker-ce'], { securityOptions: ['name=rootless'] }), /rootless/);
});

await t.test('what an upgrade would do, and whether it may', async (t) => {
  const changes = changesIn(
    [
      'Reading package lists...',
      'Remv tini [0.19.0-3+b3] [docker.io:amd64 ]',
      'Inst tini-static (0.19.0-5 Debian:unstable [amd64])',
      'Inst docker.io [26.1.5+dfsg1-9+b9] (28.5.2+dfsg4-5 Debian:unstable [amd64]) []',
      'Inst runc:amd64 [1.1.15] (1.3.6 Debian:unstable [amd64])',
      'Conf docker.io (28.5.2+dfsg4-5 Debian:unstable [amd64])',
    ].join('\n'),
  );
  t.same(changes, [
    { name: 'tini', from: '0.19.0-3+b3', to: undefined },
    { name: 'tini-static', from: undefined, to: '0.19.0-5' },
    { name: 'docker.io', from: '26.1.5+dfsg1-9+b9', to: '28.5.2+dfsg4-5' },
    { name: 'runc', from: '1.1.15', to: '1.3.6' },
  ]);
  t.same(judgeUpgrade(changes).refusals, []);
  const others = [
    { name: 'nginx', from: '1.22', to: undefined },
    { name: 'libc6', from: '2.36', to: '2.41' },
  ];
  t.same(judgeUpgrade([...changes.slice(0, 1), ...others]).refusals, [
    'it would remove tini 0.19.0-3+b3',
    'it would remove nginx 1.22',
    'it would upgrade libc6 2.36 to 2.41, which is not of the engine',
  ]);
  const engine = partsOf(
    ['docker.io', 'runc'].map((n) => one(n)),
    {},
    signs,
  );
  t.same(upgradable(engine), ['docker.io', 'runc']);
});
