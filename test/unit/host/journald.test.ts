import t from 'tap';
import { constantFields, stderrIsJournal, unitOf } from '../../../src/host/journald.ts';

await t.test('our own unit is known by the cgroup', async (t) => {
  t.equal(unitOf('0::/system.slice/orchestrator-update.service\n'), 'orchestrator-update.service');
  t.equal(
    unitOf('0::/system.slice/orchestrator-update-recover.service/sub\n'),
    'orchestrator-update-recover.service',
  );
  t.equal(unitOf('0::/user.slice/user-0.slice/session-1.scope\n'), undefined);
  t.equal(unitOf('0::/system.slice/docker.service\n'), undefined);
});

await t.test('the unit is claimed only by the unit', async (t) => {
  t.same(constantFields(undefined), [['SYSLOG_IDENTIFIER', 'orchestrator-update']]);
  t.same(constantFields('a.service').at(-1), ['OBJECT_SYSTEMD_UNIT', 'a.service']);
});

await t.test('stderr is the journal only when $JOURNAL_STREAM names it', async (t) => {
  t.equal(stderrIsJournal({}), false);
  t.equal(stderrIsJournal({ JOURNAL_STREAM: '8:1' }), false);
  t.equal(stderrIsJournal({ JOURNAL_STREAM: '' }), false);
});
