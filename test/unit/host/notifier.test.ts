import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { createNotifier, libraryNotifier } from '../../../src/host/notifier.ts';

const notifierModule = resolve(import.meta.dirname, '../../../src/host/notifier.ts');

/** Prints "listening", then each datagram, and ends after READY=1. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
print('listening')
while True:
    text = s.recv(65536).decode()
    print(text)
    if 'READY=1' in text: break
`;

function recorded() {
  const sent: string[] = [];
  const clock = { nowMs: 0 };
  const notifier = libraryNotifier(
    (state) => void sent.push(state),
    () => clock.nowMs,
  );
  return { sent, clock, notifier };
}

await t.test('one message per act, on one line each', async (t) => {
  const { sent, notifier } = recorded();
  notifier.status('pulling');
  notifier.status('pulling');
  notifier.stopping('asked to stop\nREADY=1');
  await notifier.ready('at 1234567\nMAINPID=1');
  t.same(sent, [
    'STATUS=pulling',
    'STOPPING=1\nSTATUS=asked to stop READY=1',
    'READY=1\nSTATUS=at 1234567 MAINPID=1',
  ]);
});

await t.test('steady progress extends once a second', async (t) => {
  const { sent, clock, notifier } = recorded();
  for (clock.nowMs = 0; clock.nowMs < 2500; clock.nowMs += 100) notifier.extend(60);
  t.same(sent, Array(3).fill('EXTEND_TIMEOUT_USEC=60000000'));
});

await t.test('a longer step gets its time at once, a shorter one is not needed', async (t) => {
  const { sent, clock, notifier } = recorded();
  notifier.extend(10);
  clock.nowMs = 100;
  notifier.extend(300);
  clock.nowMs = 200;
  notifier.extend(10);
  t.same(sent, ['EXTEND_TIMEOUT_USEC=10000000', 'EXTEND_TIMEOUT_USEC=300000000']);
});

await t.test('a lost heartbeat is no failure, a lost READY=1 is', async (t) => {
  const notifier = libraryNotifier(
    () => {
      throw new Error('not sent');
    },
    () => 0,
  );
  notifier.status('x');
  notifier.extend(1);
  notifier.stopping('x');
  await t.rejects(notifier.ready('x'), { message: 'not sent' });
});

await t.test('without systemd nothing happens', async (t) => {
  const notifier = createNotifier({});
  notifier.status('x');
  notifier.extend(1);
  notifier.stopping('x');
  await notifier.ready('x');
  t.pass();
});

// Node has no AF_UNIX datagram sockets to listen with.
const python = await promisify(execFile)('python3', ['--version']).catch(() => undefined);
const skip = python ? false : 'no python3';
await t.test('a real socket hears it, children do not get it', { skip }, async (t) => {
  // Not t.testdir: the name of a socket has room for 107 bytes.
  const dir = mkdtempSync(join(tmpdir(), 'notify-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'socket');
  const listener = spawn('python3', ['-u', '-c', RECEIVER, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let heard = '';
  listener.stdout.on('data', (data) => (heard += String(data)));
  const closed = once(listener, 'close');
  await once(listener.stdout, 'data');

  const program = `
    import { createNotifier } from ${JSON.stringify(notifierModule)};
    import { execFileSync } from 'node:child_process';
    const notifier = createNotifier(process.env);
    notifier.extend(60);
    await notifier.ready('child: ' + execFileSync('sh', ['-c', 'echo $NOTIFY_SOCKET.']));`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, NOTIFY_SOCKET: path },
  });
  await closed;
  t.match(heard, /EXTEND_TIMEOUT_USEC=60000000\nREADY=1\nSTATUS=child: \. ?\n/);
});
