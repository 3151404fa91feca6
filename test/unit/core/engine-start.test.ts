import t from 'tap';
import { startOf } from '../../../src/core/engine-start.ts';

const shown = (state: string, sub: string, { job = '', atSeconds = 0 } = {}): string =>
  `ActiveState=${state}\nSubState=${sub}\nJob=${job}\nExecMainStartTimestampMonotonic=${atSeconds * 1e6}`;

await t.test('how a start of Docker goes', async (t) => {
  const starting = shown('activating', 'start', { job: '108', atSeconds: 100 });
  t.equal(startOf(starting, 101), 'waiting');
  t.equal(startOf(starting, 699), 'waiting', 'a slow disk');
  t.equal(startOf(starting, 700), 'hangs');
  t.equal(startOf(shown('activating', 'start', { atSeconds: 100 }), 700), 'hangs');
  t.equal(startOf(shown('activating', 'auto-restart', { atSeconds: 100 }), 9000), 'waiting');
  t.equal(startOf(shown('activating', 'start-pre', { atSeconds: 0 }), 9000), 'waiting');
  t.equal(startOf(shown('inactive', 'dead', { job: '7' }), 9000), 'waiting', 'for the network');
  t.equal(startOf(shown('failed', 'failed', { job: '7' }), 9000), 'waiting');
  t.equal(startOf(shown('inactive', 'dead'), 9000), 'over');
  t.equal(startOf(shown('inactive', 'dead', { job: '0' }), 9000), 'over');
  t.equal(startOf(shown('failed', 'failed'), 9000), 'over');
  t.equal(startOf(shown('active', 'running', { atSeconds: 100 }), 9000), 'over');
  const restarted = shown('active', 'running', { job: '9', atSeconds: 100 });
  t.equal(startOf(restarted, 9000), 'waiting', 'a restart is a stop first');
  t.equal(startOf(shown('deactivating', 'stop-sigterm', { job: '9' }), 9000), 'waiting');
  t.equal(startOf('', 9000), 'over', 'no such unit');
});
