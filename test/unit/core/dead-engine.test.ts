import t from 'tap';
import { isDead } from '../../../src/core/dead-engine.ts';

const shown = (state: string, result: string): string => `ActiveState=${state}\nResult=${result}`;

await t.test('dead, hanging, stopped by a person, about to be started again', async (t) => {
  t.ok(isDead(shown('failed', 'start-limit-hit'), false));
  t.ok(isDead(shown('failed', 'exit-code'), true), 'somebody else has its number');
  t.ok(isDead(shown('active', 'success'), false), 'it hangs');
  t.notOk(isDead(shown('active', 'success'), true));
  t.notOk(isDead(shown('inactive', 'success'), false), 'stopped on purpose');
  t.ok(isDead(shown('inactive', 'signal'), false));
  t.notOk(isDead(shown('activating', 'exit-code'), false), 'systemd starts it again');
  t.notOk(isDead('', false), 'there is no such unit');
});
