import t from 'tap';
import { hooksOf } from '../../../src/core/dump.ts';
import { container, model } from '../../support/builders.ts';

const labels = (said: Record<string, string>) => ({
  labels: Object.fromEntries(
    Object.entries(said).map(([name, value]) => [`orchestrator-update.backup.${name}`, value]),
  ),
});

await t.test('hooks are of services with a container that runs', async (t) => {
  const release = model({
    db: labels({ pre: 'echo $$HOME', post: 'true', dump: 'postgres' }),
    ended: labels({ pre: 'false', dump: 'redis' }),
    plain: {},
  });
  const db = container('db');
  const containers = [container('ended', { state: 'exited' }), db, container('plain')];
  const { pre, post, dumps } = hooksOf(release, containers);
  t.same(pre, [{ container: db, script: 'echo $HOME' }], 'as it was written');
  t.same(post, [{ container: db, script: 'true' }]);
  t.match(dumps, [{ container: db, file: 'db.sql', script: /pg_dumpall/ }]);
});

const dumpOf = (said: string) =>
  hooksOf(model({ db: labels({ dump: said }) }), [container('db')]).dumps[0];

await t.test('a dump is a recipe, the file of a database, or a command', async (t) => {
  for (const name of ['postgres', 'mysql', 'mariadb', 'mongo', 'redis']) {
    t.notMatch(dumpOf(name)?.script, /\$\$|--password=/, name);
  }
  t.match(dumpOf("sqlite:/data/it's.db"), {
    file: 'db.sql',
    script: String.raw`exec sqlite3 -readonly -cmd '.timeout 60000' '/data/it'\''s.db' .dump`,
    lastLine: 'COMMIT;',
  });
  t.match(dumpOf('my-dump --all'), { file: 'db.dump', script: 'my-dump --all' });
});
