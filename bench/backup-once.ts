/**
 * One backup of a directory as a volume, by the program's own adapters: prints the seconds that writers would
 * be frozen. With a password file, a history is kept, too.
 *
 * Usage: node bench/backup-once.ts SOURCE BACKUPS NAME [PASSWORD_FILE]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema, settleConfig } from '../src/config/schema.ts';
import { createBackups } from '../src/host/backups.ts';
import { createHistory } from '../src/host/history.ts';

const [source = '', base = '', name = '', passwordFile] = process.argv.slice(2);
const backups = join(base, 'backups');
const history =
  passwordFile === undefined
    ? {}
    : {
        repository: join(base, 'history'),
        password_file: passwordFile,
        // What is not done with each backup is not of its cost.
        prune_every_days: 30,
        check_every_days: 30,
      };
const config = settleConfig(
  configSchema.parse({ root: base, backups_dir: backups, backup: { keep: 2, history } }),
);
const shared = {
  config,
  signal: () => undefined,
  watch: { started: () => {}, line: () => {} },
  now: () => new Date(),
};
const host = createBackups({
  ...shared,
  repository: {
    directory: join(base, 'tree'),
    owner: { uid: 0, gid: 0, home: '/root' },
    projectPath: 'autonomy',
  },
  isSandboxed: false,
  onProgress: () => {},
  warn: (message) => void process.stderr.write(`${message}\n`),
  damaged: async () => new Set(),
});
const volume = { path: source, place: 'volumes/data', excluded: [] };
const draft = await host.begin(name, [host.workTree, volume], 2, [], []);
await host.copy(draft, 3600);
await host.distrust(draft);
const startedAt = performance.now();
await host.copyChanged(draft, 3600);
const frozenMs = performance.now() - startedAt;
const commit = '0'.repeat(40);
await host.finish(
  draft,
  {
    commit,
    images: {},
    releaseImages: { digests: {}, saved: [], leftOut: [] },
    model: { name: 'autonomy', services: {} },
    scope: { volumes: [{ name: 'data', path: source }], leftOut: [], writers: [] },
    frozen: undefined,
  },
  [],
);
await host.prune(2, []);
const record = join(base, 'history.json');
const kept = createHistory({
  ...shared,
  config: config.backup.history,
  project: 'autonomy',
  host: 'bench',
  cacheDirectory: join(base, 'cache'),
  onProgress: () => {},
});
if (kept) {
  const before = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {};
  const added = await kept.add(join(backups, name), { name, commit, at: new Date() }, before);
  writeFileSync(record, JSON.stringify(added.record));
}
process.stdout.write(`${frozenMs}\n`);
