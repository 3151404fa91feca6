import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { runProgram } from '../support/cli.ts';
import { hookServer, inTurn, ok, status, type Answer } from '../support/hook-server.ts';

const checkout = resolve(import.meta.dirname, '../..');
const SECRET_URL_PART = 'T0/B0/keepthistoyourself';
const note =
  'not healthy after 30 s: http://localhost:8082/health HTTP 503: FATAL: battery-staple is wrong';

/** A host whose program is the real one, its targets as given; what a target prints goes to `told`. */
function hostWith(t: Test, targets: (directory: string) => readonly object[]) {
  const directory = t.testdir({
    'slack-url': '',
    key: 'signing-key-1234',
    told: '',
    tell: '#!/bin/sh\ncat >> "$(dirname "$0")/told"\n',
    sendmail: '#!/bin/sh\n{ echo "args: $*"; cat; } > "$(dirname "$0")/mail"\n',
    broken: '#!/bin/sh\necho "the queue is full; password=hunter2" >&2\nexit 75\n',
  });
  for (const name of ['tell', 'sendmail', 'broken']) chmodSync(join(directory, name), 0o755);
  for (const name of ['slack-url', 'key']) chmodSync(join(directory, name), 0o600);
  const config = { root: directory, notify: { targets: targets(directory) } };
  writeFileSync(join(directory, 'update_config.yaml'), JSON.stringify(config));
  return {
    directory,
    cli: (...args: string[]) => runProgram(directory, args),
    contents: (name: string) => readFileSync(join(directory, name), 'utf8'),
    left: () =>
      ['untold', 'outbox'].flatMap((name) =>
        existsSync(join(directory, 'state', name))
          ? readdirSync(join(directory, 'state', name))
          : [],
      ),
  };
}

async function slackHost(t: Test, answer: Answer) {
  const server = await hookServer(t, answer);
  const host = hostWith(t, (directory) => [
    { type: 'slack', url_file: `${directory}/slack-url`, timeout_seconds: 2 },
  ]);
  writeFileSync(join(host.directory, 'slack-url'), `${server.url}/services/${SECRET_URL_PART}\n`);
  return { ...host, ...server };
}

/** A run writes down how an update ended, and is killed before it has told anybody. */
async function endAndDie(directory: string): Promise<void> {
  const script = join(checkout, 'test/support/end-and-die.ts');
  const { signal } = await execa('node', [script, join(directory, 'state'), note], {
    reject: false,
    preferLocal: true,
    localDir: checkout,
  });
  if (signal !== 'SIGKILL') throw new Error(`it was to be killed, not ${signal}`);
}

await t.test('notify test: every kind of target, each with what came of it', async (t) => {
  const server = await hookServer(t, ok);
  const { cli, contents, left } = hostWith(t, (directory) => [
    { type: 'webhook', url: `${server.url}/hook`, secret_file: `${directory}/key` },
    { type: 'ntfy', url: `${server.url}/topic` },
    { type: 'email', to: ['ops@example.org'], sendmail: `${directory}/sendmail` },
    { type: 'command', command: [`${directory}/tell`, '--who', 'ops'] },
    { type: 'command', name: 'broken', command: [`${directory}/broken`] },
  ]);
  const { stdout, exitCode } = await cli('notify', 'test', '--json');
  t.equal(exitCode, 1, 'one of them fails');
  t.match(JSON.parse(stdout), [
    { target: 'webhook', problem: null },
    { target: 'ntfy', problem: null },
    { target: 'email', problem: null },
    { target: 'command', problem: null },
    { target: 'broken', problem: /exit code 75: the queue is full; password=…/ },
  ]);
  t.same(server.received.map(({ path }) => path).toSorted(), ['/hook', '/topic']);
  t.match(
    contents('mail'),
    /^args: -t -i\nTo: ops@example\.org\nSubject: autonomy on \S+: a test\n/m,
  );
  t.match(contents('told'), /^\{"schema":1,.*"event":"test"/m);
  t.same(left(), []);
  const one = await cli('notify', 'test', 'email');
  t.equal(one.exitCode, 0);
  t.match(one.stdout, /^TARGET\tTYPE\tRESULT\nemail\temail\twas told$/);
  t.match(await cli('notify', 'test', 'nobody'), {
    exitCode: 1,
    stderr: /no target is called nobody/,
  });
});

await t.test(
  'killed between the outcome and its delivery: told once, by whoever comes next',
  async (t) => {
    const { directory, cli, received, left } = await slackHost(t, ok);
    await endAndDie(directory);
    t.equal(received.length, 0);
    t.match(left(), [/^transaction-/]);
    const first = await cli('notify', 'send');
    t.equal(first.exitCode, 0, first.stderr);
    t.equal(received.length, 1);
    t.same(left(), []);
    await cli('notify', 'send');
    t.equal(received.length, 1);
    const { text } = JSON.parse(received[0]?.body ?? '') as { text: string };
    t.match(text, /rolled back/);
    t.match(text, /HTTP 503: FATAL: … is wrong/, 'the password of the cluster is masked');
    t.match(text, /2 changed: db \(environment\), web \(image web:1 → web:2\)/);
    t.notMatch(JSON.stringify([received, first]), /battery-staple|correct-horse/);
    t.notMatch(JSON.stringify(first), /keepthistoyourself/);
  },
);

await t.test('killed in the middle of a delivery: the same again, under the same id', async (t) => {
  let child: { kill(signal: 'SIGKILL'): boolean } | undefined;
  const kill: Answer = (response, number) => {
    // Before the answer, and after it.
    if (number === 0) return void child?.kill('SIGKILL');
    response.writeHead(200).end('ok', () => void (number === 1 && child?.kill('SIGKILL')));
  };
  const server = await hookServer(t, kill);
  const { directory, cli, left } = hostWith(t, (path) => [
    { type: 'webhook', url: `${server.url}/hook`, secret_file: `${path}/key`, timeout_seconds: 5 },
  ]);
  await endAndDie(directory);
  for (const _ of [1, 2]) {
    const sending = execa('node', [join(checkout, 'src/main.ts'), 'notify', 'send'], {
      reject: false,
      preferLocal: true,
      localDir: checkout,
      env: {
        ORCHESTRATOR_UPDATE_STATE_DIR: join(directory, 'state'),
        ORCHESTRATOR_UPDATE_CONFIG: join(directory, 'update_config.yaml'),
      },
    });
    child = sending;
    await sending;
  }
  await cli('notify', 'send');
  await cli('notify', 'send');
  t.same(left(), []);
  const ids = server.received.map(({ headers }) => headers['webhook-id']);
  t.equal(new Set(ids).size, 1);
  t.ok(ids.length === 2 || ids.length === 3, `${ids.length} requests`);
});

const slow: Answer = (response) => void setTimeout(() => response.writeHead(200).end('ok'), 700);

await t.test('two processes at the same time: one of them tells it', async (t) => {
  const { directory, cli, received, left } = await slackHost(t, slow);
  await endAndDie(directory);
  await Promise.all([1, 2, 3].map(() => cli('notify', 'send')));
  t.equal(received.length, 1);
  t.same(left(), []);
});

await t.test('notify list: what is on its way, and why; no secret is shown', async (t) => {
  const { directory, cli, received } = await slackHost(
    t,
    inTurn(status(500, `no such hook: /services/${SECRET_URL_PART}`), ok),
  );
  t.equal((await cli('notify', 'list')).stdout, 'nothing is on its way');
  await endAndDie(directory);
  const sent = await cli('notify', 'send');
  const listed = await cli('notify', 'list');
  t.match(listed.stdout, /^slack\trolled-back\t\S+Z\t1\tafter \S+Z\t127\.0\.0\.1:\d+: HTTP 500/m);
  t.match(JSON.parse((await cli('notify', 'list', '--json')).stdout), [
    { target: 'slack', event: 'rolled-back', attempts: 1, problem: /HTTP 500/ },
  ]);
  t.notMatch(JSON.stringify([sent, listed]), /keepthistoyourself/);
  await cli('notify', 'send');
  t.equal(received.length, 2, 'a person does not wait until it is time');
  t.equal((await cli('notify', 'list')).stdout, 'nothing is on its way');
});

await t.test('a secret that others can read is not used, and doctor says it', async (t) => {
  const { directory, cli, received } = await slackHost(t, ok);
  chmodSync(join(directory, 'slack-url'), 0o644);
  const tried = await cli('notify', 'test');
  t.equal(tried.exitCode, 1);
  t.match(tried.stdout, /can be read by others \(mode 0644\)/);
  t.equal(received.length, 0);
  const { stdout } = await cli('doctor', '--json');
  const findings = JSON.parse(stdout) as { subject: string; state: string; mend?: string }[];
  t.match(
    findings.find(({ subject }) => subject === 'notify slack'),
    { state: 'warning', mend: `chmod 600 ${directory}/slack-url` },
  );
});

await t.test('a broken configuration is told to whom the last good one names', async (t) => {
  const { directory, cli, received } = await slackHost(t, ok);
  await endAndDie(directory);
  const config: unknown = JSON.parse(readFileSync(join(directory, 'update_config.yaml'), 'utf8'));
  const { configSchema, settleConfig } = await import('../../src/config/schema.ts');
  const cached = { key: 'of before', config: settleConfig(configSchema.parse(config)) };
  writeFileSync(join(directory, 'state/config-cache.json'), JSON.stringify(cached));
  writeFileSync(join(directory, 'update_config.yaml'), 'brnach: main\n');
  const { exitCode } = await cli('run', '--auto');
  t.equal(exitCode, 2);
  t.equal(received.length, 1);
});

await t.test('a run that fails does not wait for long for a target that hangs', async (t) => {
  const { directory, cli, left } = hostWith(t, () => [
    { type: 'command', command: ['/bin/sleep', '50'], timeout_seconds: 60 },
  ]);
  await endAndDie(directory);
  const startedAt = Date.now();
  const { exitCode } = await cli('run', '--auto');
  const seconds = (Date.now() - startedAt) / 1000;
  t.equal(exitCode, 1);
  t.ok(seconds > 10 && seconds < 20, `${seconds} s`);
  t.equal(left().length, 1);
});
