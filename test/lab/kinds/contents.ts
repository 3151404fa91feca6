import { service, type ChangeKind, type Happening, type Part } from './kind.ts';

const app = (file: string, on?: string): object =>
  service({
    volumes: [`./${file}:/x/${file}:ro`],
    ...(on === undefined ? {} : { labels: { 'orchestrator-update.on-file-change': on } }),
  });

/** A file that a service mounts, or a directory it is in, with what the service's label says. */
function contents(
  name: string,
  title: string,
  mounted: string,
  on: string | undefined,
  expected: Happening,
): ChangeKind {
  const part = (text: string): Part => ({
    services: { [name]: app(mounted, on) },
    files: { [mounted.includes('.') ? mounted : `${mounted}/app.conf`]: text },
  });
  return { title, before: part('a\n'), after: part('b\n'), expected: { [name]: expected } };
}

const wayward: Part = {
  services: {
    wayward: service({ volumes: ['../../beside:/beside'], labels: { at: 'in ${PWD}/here' } }),
  },
};

/** What services read: files, configs, secrets. */
export const files: readonly ChangeKind[] = [
  {
    title: 'nothing (with a path beside the work tree, and `${PWD}` in a text)',
    before: wayward,
    after: wayward,
    expected: { wayward: 'untouched' },
  },
  contents('file', 'contents of a mounted file', 'one.conf', undefined, 'recreate'),
  contents('file-restart', 'the same, label restart', 'two.conf', 'restart', 'restart'),
  contents(
    'dir-signal',
    'contents of a mounted directory, label signal:HUP',
    'three',
    'signal:HUP',
    'signal',
  ),
  contents(
    'file-signal',
    'a file mounted by itself, label signal:HUP',
    'four.conf',
    'signal:HUP',
    'restart',
  ),
  contents(
    'file-ignore',
    'contents of a mounted file, label ignore',
    'five.conf',
    'ignore',
    'untouched',
  ),
  {
    title: 'contents of an env_file',
    before: {
      services: { 'env-file': service({ env_file: ['six.env'] }) },
      files: { 'six.env': 'A=1\n' },
    },
    after: {
      services: { 'env-file': service({ env_file: ['six.env'] }) },
      files: { 'six.env': 'A=2\n' },
    },
    expected: { 'env-file': 'recreate' },
  },
  {
    title: 'contents of a config, in a file',
    before: {
      services: { 'config-file': service({ configs: [{ source: 'seven', target: '/seven' }] }) },
      configs: { seven: { file: './seven.conf' } },
      files: { 'seven.conf': 'a\n' },
    },
    after: {
      services: { 'config-file': service({ configs: [{ source: 'seven', target: '/seven' }] }) },
      configs: { seven: { file: './seven.conf' } },
      files: { 'seven.conf': 'b\n' },
    },
    expected: { 'config-file': 'recreate' },
  },
  {
    title: 'contents of a config, inline',
    before: {
      services: { 'config-inline': service({ configs: [{ source: 'eight', target: '/eight' }] }) },
      configs: { eight: { content: 'a' } },
    },
    after: {
      services: { 'config-inline': service({ configs: [{ source: 'eight', target: '/eight' }] }) },
      configs: { eight: { content: 'b' } },
    },
    expected: { 'config-inline': 'recreate' },
  },
  {
    title: 'contents of a secret, in a file',
    before: {
      services: { secret: service({ secrets: ['nine'] }) },
      secrets: { nine: { file: './nine.txt' } },
      files: { 'nine.txt': 'a\n' },
    },
    after: {
      services: { secret: service({ secrets: ['nine'] }) },
      secrets: { nine: { file: './nine.txt' } },
      files: { 'nine.txt': 'b\n' },
    },
    expected: { secret: 'recreate' },
  },
];
