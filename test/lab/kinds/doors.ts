import { one, service, type ChangeKind } from './kind.ts';

export const ports: readonly ChangeKind[] = [
  one(
    'port',
    'a published port moved',
    { ports: ['9001:8080'] },
    { ports: ['9002:8080'] },
    'recreate',
  ),
  one('port-added', 'a published port added', {}, { ports: ['9003:8080'] }, 'recreate'),
  one(
    'port-long',
    'ports in the long syntax',
    { ports: ['9004:8080'] },
    { ports: [{ target: 8080, published: '9004', protocol: 'tcp', mode: 'ingress' }] },
    'untouched',
  ),
];

export const mounts: readonly ChangeKind[] = [
  {
    title: 'a named volume added',
    before: { services: { 'vol-added': service() } },
    after: {
      services: { 'vol-added': service({ volumes: ['added:/data'] }) },
      volumes: { added: null },
    },
    expected: { 'vol-added': 'recreate' },
  },
  {
    title: 'a named volume no longer mounted',
    before: {
      services: { 'vol-gone': service({ volumes: ['gone:/data'] }) },
      volumes: { gone: null },
    },
    after: { services: { 'vol-gone': service() }, volumes: { gone: null } },
    expected: { 'vol-gone': 'recreate' },
  },
  {
    title: 'a named volume mounted elsewhere',
    before: {
      services: { 'vol-moved': service({ volumes: ['moved:/a'] }) },
      volumes: { moved: null },
    },
    after: {
      services: { 'vol-moved': service({ volumes: ['moved:/b'] }) },
      volumes: { moved: null },
    },
    expected: { 'vol-moved': 'recreate' },
  },
  {
    title: 'a volume given another name',
    before: {
      services: { 'vol-named': service({ volumes: ['other:/data'] }) },
      volumes: { other: { name: 'name-of-old' } },
    },
    after: {
      services: { 'vol-named': service({ volumes: ['other:/data'] }) },
      volumes: { other: { name: 'name-of-new' } },
    },
    expected: { 'vol-named': 'recreate' },
  },
  {
    title: 'labels of a volume (compose keeps it)',
    before: {
      services: { 'vol-label': service({ volumes: ['kept:/data'] }) },
      volumes: { kept: null },
    },
    after: {
      services: { 'vol-label': service({ volumes: ['kept:/data'] }) },
      volumes: { kept: { labels: { a: 'b' } } },
    },
    expected: { 'vol-label': 'untouched' },
  },
  one('anonymous', 'an anonymous volume added', {}, { volumes: ['/scratch'] }, 'recreate'),
  one('bind', 'a bind source moved', { volumes: ['./a:/x'] }, { volumes: ['./b:/x'] }, 'recreate'),
  one(
    'bind-ro',
    'a bind made read-only',
    { volumes: ['./a:/x'] },
    { volumes: ['./a:/x:ro'] },
    'recreate',
  ),
];
