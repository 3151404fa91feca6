import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Invocation } from '../../../src/command-table.ts';
import { fail } from '../../../src/commands/fail.ts';
import { deliverWaiting } from '../../../src/commands/tell-waiting.ts';
import { cacheFile, configKey } from '../../../src/config/cached.ts';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import type { Door } from '../../../src/commands/context.ts';
import { withDeliveryLock } from '../../../src/host/delivery-lock.ts';

const draft = { event: 'failed', about: 'x', at: '2026-01-01T00:00:00Z', summary: 'x' };

function host(t: Test, script: string) {
  const stateDirectory = t.testdir({ untold: {} });
  const settings = { stateDirectory, configFile: '/nonexistent', overrides: [], debug: false };
  const invocation = { settings, environment: {}, flags: {} } as unknown as Invocation;
  const command = ['/bin/sh', '-c', script];
  const targets = [{ type: 'command', command, timeout_seconds: 60 }];
  const config = settleConfig(configSchema.parse({ notify: { targets } }));
  const key = configKey(invocation.settings, {});
  writeFileSync(cacheFile(invocation.settings), JSON.stringify({ key, config }));
  const at = (name: string): string => join(stateDirectory, name);
  return {
    at,
    invocation,
    tell: () => writeFileSync(at('untold/x.json'), JSON.stringify({ kind: 'draft', draft })),
  };
}

async function secondsOf(act: Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await act;
  return (performance.now() - startedAt) / 1000;
}

const skip = process.getuid?.() === 0 ? false : 'for root';

await t.test('somebody waits: a target does not have its own time', { skip }, async (t) => {
  const { invocation, tell, at } = host(t, 'exec sleep 20');
  tell();
  const seconds = await secondsOf(deliverWaiting(invocation, 1));
  t.ok(seconds > 0.8 && seconds < 2.5, `${seconds} s`);
  t.equal(readdirSync(at('outbox')).length, 1, 'the next run tries it again');
});

await t.test('nor has one that cannot be ended', { skip }, async (t) => {
  const { invocation, tell } = host(t, 'trap "" TERM; sleep 4');
  tell();
  const seconds = await secondsOf(deliverWaiting(invocation, 1));
  t.ok(seconds < 2.5, `${seconds} s`);
});

await t.test('nor has another process that delivers', { skip }, async (t) => {
  const { invocation, tell, at } = host(t, 'true');
  tell();
  const other = withDeliveryLock(at('outbox.lock'), 0, () => wait(2500));
  const seconds = await secondsOf(deliverWaiting(invocation, 0.5));
  t.ok(seconds < 2, `${seconds} s`);
  await other;
});

await t.test('what was cut off while it was written: nothing to tell', { skip }, async (t) => {
  const { invocation, tell, at } = host(t, 'true');
  mkdirSync(at('outbox'));
  const names = ['untold/old.json.new', 'outbox/old.json.new', 'untold/young.json.new'];
  for (const name of names) {
    writeFileSync(at(name), '{');
    const writtenAt = Date.now() / 1000 - (name.includes('/old') ? 7200 : 0);
    utimesSync(at(name), writtenAt, writtenAt);
  }
  await deliverWaiting(invocation);
  t.notOk(existsSync(at('outbox.lock')), 'the way to "nothing to do" is short');
  tell();
  await deliverWaiting(invocation);
  t.same(readdirSync(at('outbox')), []);
  t.same(readdirSync(at('untold')), ['young.json.new'], 'somebody may be writing that');
});

await t.test('a run that failed: systemd does not take it for a hang', async (t) => {
  const acts: string[] = [];
  const notifier = {
    status: (text: string) => void acts.push(text),
    extend: (seconds: number) => void acts.push(`extend ${seconds}`),
  };
  const door = { notifier, stop: { requestedBy: () => undefined } } as unknown as Door;
  const { invocation } = host(t, 'true');
  await t.rejects(fail(new Error('the remote is away'), invocation, door), /the remote is away/);
  t.same(acts, ['the remote is away', 'extend 30']);
});
