import { image, service, type ChangeKind, type Part } from './kind.ts';

const newer = { '2.26.1': 'recreate', '2.40.3': 'untouched' } as const;
const build = (version: string): object =>
  service({ image: undefined, build: { context: './built', args: { V: version } } });

export const names: readonly ChangeKind[] = [
  {
    title: 'a service added',
    before: {},
    after: { services: { added: service({ labels: { kind: 'added' } }) } },
    expected: { added: 'create' },
  },
  {
    title: 'a service removed',
    before: { services: { removed: service({ labels: { kind: 'removed' } }) } },
    after: {},
    expected: { removed: 'remove' },
  },
  {
    title: 'a service renamed, with a published port',
    before: {
      services: { 'old-name': service({ ports: ['9010:8080'], labels: { rename: 'me' } }) },
    },
    after: {
      services: { 'new-name': service({ ports: ['9010:8080'], labels: { rename: 'me' } }) },
    },
    expected: { 'new-name': 'rename' },
  },
  {
    title: 'build arguments',
    before: {
      services: { built: build('1') },
      files: { 'built/Dockerfile': `FROM ${image('v1')}\nARG V\nENV V=$V\n` },
    },
    after: { services: { built: build('2') } },
    expected: { built: 'recreate' },
  },
  {
    title: 'depends_on added',
    before: { services: { needed: service(), needing: service() } },
    after: { services: { needed: service(), needing: service({ depends_on: ['needed'] }) } },
    expected: { needed: 'untouched', needing: newer },
  },
];

const chain = (tag: string): Part => ({
  services: {
    base: service({ image: image(tag) }),
    middle: service({ depends_on: ['base'] }),
    top: service({ depends_on: ['middle'] }),
    follower: service({ depends_on: { base: { condition: 'service_started', restart: true } } }),
  },
});

const vpn = (tag: string): Part => ({
  services: {
    vpn: service({ image: image(tag) }),
    rider: service({
      network_mode: 'service:vpn',
      environment: { START_DELAY: '0', PORT: '8081' },
    }),
    second: service({ pid: 'service:rider' }),
    borrower: service({ volumes_from: ['vpn'] }),
  },
});

export const dependencies: readonly ChangeKind[] = [
  {
    title: 'what others depend on (one of them with `restart: true`)',
    before: chain('v1'),
    after: chain('v2'),
    expected: { base: 'recreate', middle: 'untouched', top: 'untouched', follower: 'restart' },
  },
  {
    title: 'what others share a namespace or volumes with',
    before: vpn('v1'),
    after: vpn('v2'),
    expected: { vpn: 'recreate', rider: 'recreate', second: 'recreate', borrower: 'recreate' },
  },
];

const attached = (network: string): Part => ({
  services: { on: service({ networks: [network] }) },
});
const off = { services: { off: service({ networks: ['calm'] }) } };
const changing = (options: object): Part => ({
  services: {
    ...attached('changing').services,
    ...off.services,
    rider: service({ network_mode: 'service:on', environment: { START_DELAY: '0', PORT: '8081' } }),
  },
  networks: { changing: options, calm: null },
});

export const networks: readonly ChangeKind[] = [
  {
    title: 'another network',
    before: { ...attached('first'), networks: { first: null } },
    after: { ...attached('second'), networks: { second: null } },
    expected: { on: 'recreate' },
  },
];

export const networkOptions: readonly ChangeKind[] = [
  {
    title: 'options of a network',
    before: changing({}),
    after: changing({ driver_opts: { 'com.docker.network.driver.mtu': '1400' } }),
    expected: {
      on: { '2.26.1': 'recreate', '2.40.3': 'restart' },
      rider: { '2.26.1': 'recreate', '2.40.3': 'restart' },
      off: { '2.26.1': 'recreate', '2.40.3': 'untouched' },
    },
  },
];
