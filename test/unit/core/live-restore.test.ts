import t from 'tap';
import { liveRestoreLeft } from '../../../src/core/live-restore.ts';

await t.test('what is left of a live-restore, by what runs and by what is written', async (t) => {
  t.equal(liveRestoreLeft(false, false), undefined);
  t.equal(liveRestoreLeft(undefined, false), undefined, 'nobody knows, and nobody wrote it');
  t.equal(liveRestoreLeft(false, undefined), undefined, 'a file that cannot be read');
  t.match(liveRestoreLeft(true, true), /stays on.*"live-restore": false.*systemctl reload docker/);
  t.match(liveRestoreLeft(false, true), /from the next start of Docker on/);
  t.match(liveRestoreLeft(undefined, true), /from the next start of Docker on/);
  for (const isWritten of [false, undefined]) {
    t.match(
      liveRestoreLeft(true, isWritten),
      /on still.*next restart of Docker stops every container.*systemctl reload docker/,
    );
  }
});
