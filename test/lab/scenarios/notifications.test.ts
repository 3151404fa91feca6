import { createHmac } from 'node:crypto';
import t, { type Test } from 'tap';
import type { ClusterChange } from '../cluster.ts';
import { poll, sleep } from '../command.ts';
import { hookCalls, type HookCall } from '../control-host.ts';
import { engineFaults } from '../engine-faults.ts';
import { startInstalled } from '../installed-host.ts';
import { expectUpdate, startAndMeet, waitUntilIdle } from '../picture.ts';

type Told = {
  id: string;
  event: string;
  summary: string;
  changes: string[];
  outages: string[];
  output: string[];
  next: string;
};

const KEYS = { signed: 'the key of the file', credential: 'the key of the credential' } as const;
const secret = 'battery-staple-71c0';
const SILENT_SECONDS = 5;
const keyFile = '/etc/orchestrator-update/hook-key';
const page = '/run/update.html';
const metrics = '/run/update.prom';
const mails = '/var/spool/mails-of-the-lab';

const host = await startInstalled();
t.teardown(() => host.destroy());
// Other hosts have had its name, and the sink forgets nothing.
const mark = `${host.name}-${Date.now()}`;
const at = (name: string): string => `/${mark}/${name}`;
const hook = (name: string): string => `http://hook.lab:9000${at(name)}`;
const configFile = '/etc/orchestrator-update/update_config.yaml';
const usual = await host.readFile(configFile);

/** What is told to whom, beside the settings of the lab. */
async function configure(...more: readonly object[]): Promise<void> {
  const webhook = { type: 'webhook', events: ['all'] };
  const targets = [
    { ...webhook, name: 'signed', url: hook('signed'), secret_file: keyFile },
    { ...webhook, name: 'credential', url: hook('credential'), secret_credential: 'hook-key' },
    { type: 'email', to: ['ops@example.org'], events: ['all'] },
    ...more,
  ];
  const text = JSON.stringify({ targets });
  const published = `report: {path: ${page}}\nmetrics: {path: ${metrics}}`;
  const config = `${usual}\nnotify: ${text}\n${published}\n`;
  await host.writeFile(configFile, config, { mode: '0600', owner: 'root:root' });
}

/** A release whose service gets the secret; with `says`, one that is never healthy, and says it. */
const release = (tag: string, says?: string): ClusterChange => ({
  services: {
    knowledge: {
      tag,
      environment: { TOKEN: '${SECRET_TOKEN}' },
      ...(says === undefined
        ? {}
        : {
            healthcheck: {
              test: ['CMD', '/bin/busybox', 'sh', '-c', `echo "${says} $$TOKEN"; exit 1`],
              interval: '1s',
              retries: 2,
            },
          }),
    },
  },
});

const toldIn = ({ body }: HookCall): Told => JSON.parse(body) as Told;

/** What came since, in its order. */
async function arrived(name: keyof typeof KEYS, since = 0): Promise<Told[]> {
  return (await hookCalls(at(name))).slice(since).map(toldIn);
}

function isSigned(key: string, { headers, body }: HookCall): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds } = headers;
  const wanted = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return headers['webhook-signature'] === `v1,${wanted}`;
}

/** Seconds from the start of the unit's process to its end, and to READY=1 where that was said. */
async function unitSeconds(): Promise<{ toEnd: number; toReady: number }> {
  await waitUntilIdle(host, 60);
  const names = ['ExecMainStart', 'ActiveEnter', 'ExecMainExit'];
  const flags = names.map((name) => `--property=${name}TimestampMonotonic`);
  const { stdout } = await host.run('systemctl', ['show', 'orchestrator-update.service', ...flags]);
  const [start = 0, ready = 0, end = 0] = names.map(
    (name) => Number(new RegExp(`^${name}TimestampMonotonic=(\\d+)`, 'm').exec(stdout)?.[1]) / 1e6,
  );
  return { toEnd: end - start, toReady: ready - start };
}

async function prepare(): Promise<void> {
  const root = { mode: '0600', owner: 'root:root' };
  await host.writeFile(keyFile, `${KEYS.signed}\n`, root);
  await host.writeFile('/root/other-key', `${KEYS.credential}\n`, root);
  const load = '[Service]\nLoadCredential=hook-key:/root/other-key\n';
  for (const unit of ['update', 'update-recover'])
    await host.writeFile(`/etc/systemd/system/orchestrator-${unit}.service.d/key.conf`, load);
  await host.writeFile('/usr/sbin/sendmail', `#!/bin/sh\n{ echo "args: $*"; cat; } >>${mails}\n`, {
    mode: '0755',
  });
  const env = await host.readFile(`${host.projectDir}/.env`);
  const own = { mode: '0600', owner: 'geo:geo' };
  await host.writeFile(`${host.projectDir}/.env`, `${env}\nSECRET_TOKEN=${secret}\n`, own);
  await host.run('systemctl', ['daemon-reload'], { reject: true });
  await configure();
}

await prepare();
let readySeconds = 0;

await t.test('a good release: it is begun, and it is there; signed, and by mail', async (t) => {
  await host.pushCluster(release('v2'));
  await expectUpdate(t, host, 0);
  readySeconds = (await unitSeconds()).toReady;
  const [begun, ended, ...more] = await arrived('signed');
  t.same(more, []);
  const changes = [/^1 changed: knowledge \(environment, image\)$/];
  t.match(begun, { event: 'started', changes });
  t.match(ended, { event: 'updated', changes, outages: [/^knowledge: away for \d/] });
  for (const name of ['signed', 'credential'] as const) {
    const calls = await hookCalls(at(name));
    t.same(
      calls.map((call) => toldIn(call).event),
      ['started', 'updated'],
    );
    t.ok(
      calls.every((call) => isSigned(KEYS[name], call)),
      `${name}: signed with its key`,
    );
  }
  const mail = await host.readFile(mails);
  t.match(mail, /^args: -t -i\nTo: ops@example\.org\nSubject: autonomy on \S+: updated/m);
  t.match(mail, /1 changed: knowledge/);
});

await t.test('a target that never answers delays no start', async (t) => {
  const since = (await arrived('signed')).length;
  const silent = { type: 'webhook', name: 'silent', secret_file: keyFile };
  const url = `http://hook.lab:9000/sleep/60${at('silent')}`;
  const events = ['updated', 'rolled-back'];
  await configure({ ...silent, url, events, timeout_seconds: SILENT_SECONDS });
  await host.pushCluster(release('v3'));
  await expectUpdate(t, host, 0);
  const { toReady, toEnd } = await unitSeconds();
  t.comment(`${readySeconds} s without it, ${toReady} s with it`);
  t.ok(toReady < readySeconds + 3, 'systemctl start returns as without it');
  t.ok(toEnd - toReady > SILENT_SECONDS - 1, 'it did hang');
  const [, ended, ...more] = await arrived('signed', since);
  t.same(more, []);
  t.match(ended, {
    event: 'updated',
    changes: [/^1 changed: knowledge \(image \S+:v2 → \S+:v3\)$/],
  });
});

await t.test('a bad release: told once, with what failed and what to type', async (t) => {
  const since = (await arrived('signed')).length;
  await host.pushCluster(release('v2', 'cannot log in with'));
  await expectUpdate(t, host, 12);
  const failedAtMs = Date.now();
  await waitUntilIdle(host);
  const [begun, ended, ...more] = await arrived('signed', since);
  t.same(more, [], 'also the recovery, which systemd starts after it, tells nothing else');
  t.match(begun, { event: 'started' });
  t.match(ended, {
    event: 'rolled-back',
    summary: /was rolled back to [0-9a-f]{12}, which is healthy: not healthy after \d+ s/,
    changes: [/^1 changed: knowledge \(healthcheck, image\)$/],
    output: [/knowledge.*cannot log in with …/],
    next: /mend it and push: [0-9a-f]{12} is quarantined; .*orchestrator-update run --force/,
  });
  const toldAtMs = (await hookCalls(at('signed'))).at(-1)?.atMs ?? 0;
  const seconds = (failedAtMs - toldAtMs) / 1000;
  t.ok(seconds < 15 + 3, `${seconds} s after it the start has failed: by the other target`);
  t.match((await hookCalls(at('silent'))).map(toldIn).at(-1), { event: 'rolled-back' });
  await configure();
});

await t.test('the power goes between the outcome and its delivery: told after it', async (t) => {
  const since = (await arrived('signed')).length;
  await host.pushCluster(release('v4'));
  await startAndMeet(host, /apply knowledge/);
  await host.blackhole(true);
  // Then it asks whether the branch has moved on, and has no answer.
  const last = '$(ls -d /var/lib/orchestrator-update/transactions/* | tail -n 1)/journal';
  await host.bash(`until grep -q COMMITTED ${last}; do sleep 0.1; done`, { reject: true });
  await host.cutUnsynced();
  t.match(await arrived('signed', since), [{ event: 'started' }]);
  t.equal((await arrived('signed', since)).length, 1, 'nobody knows how it ended');
  await host.boot();
  const isTold = async (): Promise<true | undefined> =>
    (await arrived('credential', since)).length > 1 ? true : undefined;
  t.ok(await poll(isTold, { timeoutSeconds: 60, stepMs: 300 }), 'and nobody typed anything');
  await waitUntilIdle(host);
  await host.waitHealthy();
  t.match(await expectUpdate(t, host, 0), /nothing to do/);
  await sleep(1000);
  for (const name of ['signed', 'credential'] as const) {
    const told = await arrived(name, since);
    t.same(
      told.map(({ event }) => event),
      ['started', 'updated'],
    );
    t.equal(new Set(told.map(({ id }) => id)).size, 2, 'each once');
  }
});

await t.test('Docker is mended on a high rung: told, and that it works again', async (t) => {
  const since = (await arrived('signed')).length;
  // It waits for Docker for a minute, under the lock.
  const away = '/run/systemd/system/orchestrator-update-recover.service.d/away.conf';
  await host.writeFile(away, '[Unit]\nConditionPathExists=/nowhere\n');
  await host.bash(`systemctl daemon-reload; ${engineFaults.config.breakIt}`);
  t.equal((await host.cli('engine', 'repair')).exitCode, 0);
  const told = await arrived('signed', since);
  t.match(told, [
    { event: 'engine', summary: /^Docker is broken, and is being mended: rung 3: / },
    { event: 'recovered', summary: /^the engine works again after: .*\(rung 3\)/ },
  ]);
  t.equal(told.length, 2);
  await host.waitHealthy();
});

await t.test('what is secret in the cluster is told to nobody', async (t) => {
  const shown: Record<string, string> = {
    sink: JSON.stringify(await hookCalls(mark)),
    mails: await host.readFile(mails),
    journal: (await host.run('journalctl', ['--no-pager', '-o', 'json'])).stdout,
    page: await host.readFile(page),
    metrics: await host.readFile(metrics),
  };
  for (const name of ['status', 'history', 'report'])
    shown[name] = (await host.cli(name, '--json')).stdout;
  for (const [name, text] of Object.entries(shown)) expectNoSecret(t, name, text);
  t.match(shown['history'], /cannot log in with …/, 'what was said with it is there');
});

function expectNoSecret(t: Test, name: string, text: string): void {
  t.ok(text.length > 100, `${name}: something is there`);
  const lines = text.split('\n').filter((line) => line.includes(secret));
  t.same(lines, [], `${name}: not the secret`);
}
