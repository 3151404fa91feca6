import t from 'tap';
import { candidatesIn, installedIn } from '../../../src/core/apt.ts';
import { partsOf, type PackageFacts } from '../../../src/core/engine-parts.ts';

const one = (name: string, version = '1'): PackageFacts => ({
  name,
  version,
  candidate: undefined,
  isHeld: false,
  isWhole: true,
});
const signs = { program: '/usr/bin/docker', securityOptions: [], hasApt: true };

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
  t.match(why([], { hasApt: false }), /not of apt/);
  t.match(why(['podman-docker']), /podman/);
  t.match(why(['docker.io', 'docker-ce']), /mixed/);
  t.match(why(['docker-ce'], { securityOptions: ['name=rootless'] }), /rootless/);
});
