import t from 'tap';
import {
  createdOf,
  instanceFor,
  parseManifest,
  parsePlatform,
  platformsText,
  platformText,
  type Instance,
} from '../../../src/core/manifest.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

await t.test('the instance of this platform in an index', (t) => {
  const one = (letter: string, platform: object | null, more = {}): object => ({
    digest: digest(letter),
    platform,
    ...more,
  });
  const text = JSON.stringify({
    manifests: [
      one('0', { os: 'unknown', architecture: 'unknown' }),
      one(
        '1',
        { os: 'linux', architecture: 'amd64' },
        { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
      ),
      one('2', { os: 'windows', architecture: 'amd64' }),
      one('3', { os: 'linux', architecture: 'amd64', variant: 'v3' }),
      one('4', { os: 'linux', architecture: 'amd64' }),
      one('5', { os: 'linux', architecture: 'arm', variant: 'v6' }),
      one('6', { os: 'linux', architecture: 'arm', variant: 'v7' }),
      one('7', { os: 'linux', architecture: 'arm64', variant: 'v8' }),
      one('8', null),
      { digest: 'sha256:short', platform: { os: 'linux', architecture: 's390x' } },
      null,
      7,
    ],
  });
  const manifest = parseManifest(text);
  const instances = manifest?.kind === 'index' ? manifest.instances : [];
  const chosen = (platform: string): string | undefined =>
    instanceFor(instances, parsePlatform(platform))?.digest.at(-1);
  t.same(
    [
      'linux/amd64',
      'linux/arm64',
      'linux/arm64/v8',
      'linux/arm',
      'linux/arm/v7',
      'linux/arm/v6',
    ].map(chosen),
    ['4', '7', '7', '6', '6', '5'],
  );
  t.same(['linux/arm/v5', 'linux/s390x', 'darwin/arm64'].map(chosen), Array(3).fill(undefined));
  t.equal(chosen('linux/amd64/v3'), '3');
  t.same(
    instances.map((found) => platformText(found.platform)),
    [
      'windows/amd64',
      'linux/amd64/v3',
      'linux/amd64',
      'linux/arm/v6',
      'linux/arm/v7',
      'linux/arm64/v8',
    ],
  );
  t.same(parseManifest(JSON.stringify({ config: { digest: digest('c') } })), {
    kind: 'image',
    config: digest('c'),
  });
  const schema1 = JSON.stringify({ schemaVersion: 1, fsLayers: [] });
  for (const odd of ['', 'null', '7', '{}', schema1, '{"config":{"digest":"x"}}']) {
    t.equal(parseManifest(odd), undefined, odd);
  }
  t.end();
});

await t.test('what a publisher writes for a platform is a word, or none', (t) => {
  const platform = { os: 'linux', architecture: 'amd64', variant: 'v2' };
  const read = (more: object): readonly Instance[] => {
    const one = { digest: digest('1'), platform: { ...platform, ...more } };
    const manifest = parseManifest(JSON.stringify({ manifests: [one] }));
    return manifest?.kind === 'index' ? manifest.instances : [];
  };
  t.same(read({}), [{ digest: digest('1'), platform }]);
  t.same(read({ variant: null })[0]?.platform.variant, '');
  const long = 'x'.repeat(33);
  for (const odd of ['\u001B[2J', 'a\nb', 'a b', long, '\u202E', 7, ['linux'], {}]) {
    for (const key of ['os', 'architecture', 'variant']) t.same(read({ [key]: odd }), []);
  }
  t.same(read({ os: '' }), []);
  t.same(read({ architecture: '' }), []);
  const many = Array.from({ length: 1000 }, (_, index) => ({
    digest: digest('1'),
    platform: { ...platform, architecture: `a${index}` },
  }));
  t.match(platformsText(many), /^linux\/a0\/v2, .*linux\/a9\/v2 and 990 more$/);
  t.equal(platformsText([]), 'none');
  t.end();
});

await t.test('when an image was made, where it says so and can mean it', (t) => {
  const nowMs = Date.parse('2026-11-26T05:00:00Z');
  const created = (at: unknown): string | undefined =>
    createdOf(JSON.stringify({ created: at }), nowMs);
  t.equal(created('2026-11-25T00:00:00.123456789Z'), '2026-11-25T00:00:00.123Z');
  t.equal(created('2026-11-25T02:00:00+02:00'), '2026-11-25T00:00:00.000Z');
  const hidden = '2020-01-01T00:00:00Z'.replace('T', ' (\u001B[2J\nall is well) ');
  t.equal(created(hidden), '2020-01-01T00:00:00.000Z', 'what stands in brackets is not kept');
  for (const odd of [
    '1970-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '2027-11-25T00:00:00Z',
    '',
    'x',
    7,
    null,
  ]) {
    t.equal(created(odd), undefined, String(odd));
  }
  t.equal(createdOf('no JSON', nowMs), undefined);
  t.end();
});
