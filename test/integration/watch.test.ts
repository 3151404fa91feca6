import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { runProgram } from '../support/cli.ts';

const checkout = resolve(import.meta.dirname, '../..');
const node = `${checkout}/node_modules/.bin/node`;
const skip = process.getuid?.() === 0 ? false : 'the update manager needs root';

/** A configuration that is good, and of which each run fails at once: there is no work tree. */
const goodConfig = (directory: string): string => `root: ${directory}/absent\n`;

interface Started {
  readonly directory: string;
  readonly pid: number;
  readonly said: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<number | null>;
  /** Waits until it has said so, so many times. */
  readonly until: (pattern: RegExp, times?: number) => Promise<void>;
}

/** The real program, as its launcher starts it. */
function start(
  t: Test,
  environment: Readonly<Record<string, string>> = {},
  directory = t.testdir({}),
  wrapper: readonly string[] = [],
  program = node,
): Started {
  const config = join(directory, 'update_config.yaml');
  if (!existsSync(config)) writeFileSync(config, goodConfig(directory));
  const words = ['--disable-sigusr1', `${checkout}/src/main.ts`, 'watch', '--config', config];
  const [file = '', ...args] = [...wrapper, program, ...words];
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      ORCHESTRATOR_UPDATE_STATE_DIR: `${directory}/state`,
      ORCHESTRATOR_UPDATE_CACHE_DIR: `${directory}/cache`,
      ...environment,
    },
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => void (text += piece));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  t.teardown(() => void child.kill('SIGKILL'));
  const until = async (pattern: RegExp, times = 1): Promise<void> => {
    const all = new RegExp(pattern.source, 'g');
    for (let tries = 0; tries < 400; tries++) {
      if ((text.match(all) ?? []).length >= times) return;
      await wait(50);
    }
    throw new Error(`${pattern} was not said ${times} times:\n${text}`);
  };
  const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
  return { directory, pid: child.pid ?? 0, said: () => text, kill, ended, until };
}

/** The only child of a process, undefined while there is none. */
function childIn(pid: number): number | undefined {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? undefined : Number(text);
}

/** Whether a process has SIGUSR1 kept from it for now. */
function isBlocked(pid: number): boolean {
  const mask = /^SigBlk:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (Number.parseInt(mask.slice(-4), 16) & (1 << 9)) !== 0;
}

const RUN = /is a git work tree/;

await t.test('runs follow the interval and SIGUSR1; SIGTERM ends it', { skip }, async (t) => {
  const manager = start(t, { UPDATE_INTERVAL: '1' });
  await manager.until(RUN, 3);
  manager.kill('SIGTERM');
  t.equal(await manager.ended, 0);
  t.match(manager.said(), /every 1 s[^]*SIGTERM: leaving/);
});

await t.test('a SIGUSR1 that comes before anybody listens is not lost', { skip }, async (t) => {
  const manager = start(t, { UPDATE_INTERVAL: '3600' });
  while (!isBlocked(manager.pid)) await wait(1);
  t.equal(manager.said(), '', 'it has not begun to listen');
  manager.kill('SIGUSR1');
  await manager.until(/SIGUSR1: a run is asked for/);
  await manager.until(RUN, 2);
  t.notMatch(manager.said(), /Debugger/);
  manager.kill('SIGUSR1');
  await manager.until(RUN, 3);
  manager.kill('SIGINT');
  t.equal(await manager.ended, 0);
});

await t.test('SIGHUP: a bad configuration is not taken', { skip }, async (t) => {
  const manager = start(t, { UPDATE_INTERVAL: '3600', AUTO_UPDATE: 'no' });
  const { directory } = manager;
  const inForce = (): { branch: string; mode: string } =>
    JSON.parse(readFileSync(`${directory}/state/watch/update_config.yaml`, 'utf8'));
  await manager.until(RUN);
  t.match(inForce(), { branch: 'embody-alpha', mode: 'notify' });
  writeFileSync(`${directory}/update_config.yaml`, 'brnch: x\n');
  manager.kill('SIGHUP');
  await manager.until(/stays as it was: .*unknown key brnch/);
  t.match(inForce(), { branch: 'embody-alpha' });
  writeFileSync(`${directory}/update_config.yaml`, `${goodConfig(directory)}branch: other\n`);
  manager.kill('SIGHUP');
  await manager.until(/the configuration was read anew/);
  t.match(inForce(), { branch: 'other', mode: 'notify' });
  t.equal(manager.said().match(/is a git work tree/g)?.length, 1, 'no run was begun for it');
  manager.kill('SIGTERM');
  t.equal(await manager.ended, 0);
  t.notOk(existsSync(`${directory}/state/watch/update_config.yaml`));
});

await t.test('WEBHOOK_URL is in a file of root’s and nowhere else', { skip }, async (t) => {
  const url = 'https://hooks.slack.com/services/T0/B0/s3cret';
  const manager = start(t, { WEBHOOK_URL: url });
  await manager.until(RUN);
  const file = `${manager.directory}/state/watch/webhook-url`;
  t.equal(readFileSync(file, 'utf8'), `${url}\n`);
  t.equal(statSync(file).mode & 0o777, 0o600);
  const config = readFileSync(`${manager.directory}/state/watch/update_config.yaml`, 'utf8');
  t.match(JSON.parse(config).notify.targets, [
    { type: 'slack', name: 'webhook-url', url_file: file },
  ]);
  const { said, pid } = manager;
  const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  t.notMatch(said() + config + line, /s3cret/);
  manager.kill('SIGTERM');
  await manager.ended;
  t.notOk(existsSync(file));
});

await t.test('WEBHOOK_URL is told also by a command of the host', { skip }, async (t) => {
  const bodies: { event: string; summary: string }[] = [];
  let isAway = true;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (!isAway) bodies.push(JSON.parse(body));
      return response.writeHead(isAway ? 503 : 200).end();
    });
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const manager = start(t, { UPDATE_INTERVAL: '1', WEBHOOK_URL: `http://127.0.0.1:${port}/x` });
  const { directory } = manager;
  const isThere = (name: string): boolean => existsSync(`${directory}/state/watch/${name}`);
  await manager.until(/webhook-url was not told/);
  manager.kill('SIGTERM');
  await manager.ended;
  t.ok(isThere('update_config.yaml') && isThere('webhook-url'), 'something waits');
  // What fails in these is to be told, too, though their configuration names nobody.
  rmSync(`${directory}/state/failures.json`);
  for (let count = 0; count < 2; count++) await runProgram(directory, ['run', '--auto']);
  isAway = false;
  t.match((await runProgram(directory, ['notify', 'send'])).stdout, /nothing is on its way/);
  t.match(bodies, [{ event: 'failed' }, { event: 'failed' }]);
  t.notOk(isThere('update_config.yaml') || isThere('webhook-url'), 'it is not needed any more');
});

await t.test('the first process of a container waits for who is at work', { skip }, async (t) => {
  const directory = t.testdir({});
  const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const manager = start(t, { UPDATE_INTERVAL: '3600' }, directory, container);
  await manager.until(RUN);
  const first = childIn(manager.pid) ?? 0;
  const path = `${directory}/state/lock`;
  const holder = `${checkout}/test/support/hold-lock.ts`;
  spawn('nsenter', ['--pid', '--mount', `--target=${first}`, node, holder, path], {
    stdio: 'ignore',
  });
  const said = (): string =>
    existsSync(`${path}.said`) ? readFileSync(`${path}.said`, 'utf8') : '';
  while (said() === '') await wait(20);
  process.kill(first, 'SIGTERM');
  t.equal(await manager.ended, 0);
  t.equal(said(), 'begun\nSIGTERM\ntaken back\ntold\n');
  t.match(manager.said(), /process \d+ of this container is at work/);
});

await t.test('a stop that comes before a run listens is no failure', { skip }, async (t) => {
  const manager = start(t);
  while (childIn(manager.pid) === undefined) await wait(1);
  manager.kill('SIGTERM');
  t.equal(await manager.ended, 0);
  t.notMatch(manager.said(), /was killed/);
});

await t.test('what passes does not end it', { skip }, async (t) => {
  const systemctl = '#!/bin/sh\ncase "$*" in *timer*) echo busy >&2; exit 1;; esac\n';
  const directory = t.testdir({ systemctl });
  chmodSync(`${directory}/systemctl`, 0o755);
  const own = `${directory}/node`;
  linkSync(realpathSync(node), own);
  // As on a host with systemd, of which systemctl knows nothing for now.
  const script = [
    'mount -t tmpfs run /run && mkdir -p /run/systemd/system',
    'mount -t tmpfs sbin /usr/local/sbin && cp "$0" /usr/local/sbin/systemctl',
    'exec "$@"',
  ].join(' && ');
  const wrapper = ['unshare', '--mount', 'sh', '-c', script, `${directory}/systemctl`];
  const manager = start(t, { UPDATE_INTERVAL: '1' }, directory, wrapper, own);
  await manager.until(RUN);
  rmSync(own);
  await manager.until(/could not be started, and is tried again soon: .*ENOENT/, 2);
  linkSync(realpathSync(node), own);
  await manager.until(RUN, manager.said().split('is a git work tree').length);
  t.match(manager.said(), /whether the timer of the host is on cannot be seen now: .*busy/s);
  manager.kill('SIGTERM');
  t.equal(await manager.ended, 0);
});

await t.test('only one, and no mistakes', { skip }, async (t) => {
  const first = start(t);
  await first.until(RUN);
  const second = start(t, {}, first.directory);
  t.equal(await second.ended, 11);
  t.match(second.said(), /another update manager is at work/);
  t.ok(existsSync(`${first.directory}/state/watch/update_config.yaml`), 'what the first goes by');
  const doctor = await runProgram(first.directory, ['doctor']);
  t.match(doctor.stdout, /the update manager is at work in its place/);
  for (const [name, value] of [
    ['UPDATE_INTERVAL', 'abc'],
    ['AUTO_UPDATE', 'maybe'],
    ['WEBHOOK_URL', 'x'],
  ] as const) {
    const wrong = start(t, { [name]: value }, first.directory);
    t.equal(await wrong.ended, 2, name);
    t.match(wrong.said(), new RegExp(`${name}.*\nnext: ${name}=`));
  }
});
