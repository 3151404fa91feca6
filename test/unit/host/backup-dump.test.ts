import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { requireWhole } from '../../../src/host/backup-dump.ts';
import { container } from '../../support/builders.ts';

await t.test('a dump whose program says nothing is judged by its end', async (t) => {
  const path = join(t.testdir({}), 'db.sql');
  const dump = { container: container('db'), script: '', file: 'db.sql', lastLine: 'COMMIT;' };
  const judge = (text: string, lastLine = 'COMMIT;') => {
    writeFileSync(path, text);
    return requireWhole(path, { ...dump, lastLine });
  };
  await judge(`${'INSERT INTO t VALUES(1);\n'.repeat(1000)}COMMIT;\n`);
  await judge('COMMIT;\n');
  const said = 'ROLLBACK; -- due to errors';
  await t.rejects(
    judge(`BEGIN TRANSACTION;\n/**** ERROR: (5) database is locked *****/\n${said}\n`),
    {
      message: `the dump of db is not whole: it ends with "${said}"`,
      next: /locked .* orchestrator-update backup create/,
    },
  );
  await t.rejects(judge(''), { message: /ends with ""/ });
  await t.rejects(judge(`'COMMIT;\n${'x'.repeat(300)}`), { message: /ends with "x+"/ });
  await requireWhole('/nonexistent', { container: container('db'), script: '', file: 'db.rdb' });
});
