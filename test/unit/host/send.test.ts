import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { notifySchema } from '../../../src/config/notify-schema.ts';
import { notificationOf } from '../../../src/core/notification.ts';
import { messageOf } from '../../../src/errors.ts';
import { send } from '../../../src/host/send.ts';
import { hookServer } from '../../support/hook-server.ts';

await t.test('a URL with a password in it, and a server that says what it was sent', async (t) => {
  const server = await hookServer(t, (response, _number, { headers }) => {
    const login = String(headers['authorization']).replace('Basic ', '');
    response.writeHead(401).end(`${login} is ${Buffer.from(login, 'base64').toString()}`);
  });
  const file = join(t.testdir({}), 'url');
  writeFileSync(file, `${server.url.replace('//', '//watchman:p%40ssword@')}/updates\n`);
  chmodSync(file, 0o600);
  const { targets } = notifySchema.parse({ targets: [{ type: 'ntfy', url_file: file }] });
  const [target] = targets;
  if (target === undefined) throw new Error('there is one');
  const at = '2026-01-01T00:00:00Z';
  const notification = notificationOf(
    { event: 'test', about: 'x', at, summary: 'x' },
    { host: 'web-1', project: 'shop', secrets: [], toldAtMs: undefined },
  );
  const error: unknown = await send(target, notification, {
    now: new Date(at),
    isSandboxed: false,
  }).catch((thrown: unknown) => thrown);
  t.match(error, { isRefused: true });
  t.match(messageOf(error), /HTTP 401: … is …:…/);
  t.notMatch(messageOf(error), /watchman|p@ssword|p%40ssword/);
  t.equal(server.received.length, 1);
});
