import t from 'tap';
import { poll } from '../command.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { expectRefusal, expectUpdate } from '../picture.ts';
import {
  login,
  privateRegistry,
  pushPrivately,
  stall,
  startPrivateRegistry,
} from '../private-registry.ts';

const BIG_MB = 40;
const IDLE_SECONDS = 4;
const configPath = '/etc/orchestrator-update/update_config.yaml';
const secret = Buffer.from(`${login.username}:${login.password}`).toString('base64');

await t.test('images of a registry that wants a password, and takes its time', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await startPrivateRegistry(host);
  const small = await pushPrivately(host, 'v2', 1);
  const big = await pushPrivately(host, 'v3', BIG_MB);
  const bigger = await pushPrivately(host, 'v4', BIG_MB);
  const release = (image: string) => host.pushCluster({ services: { orchestrator: { image } } });

  await t.test('without a login: refused, with the login to type', async (t) => {
    await release(small);
    const said = await expectRefusal(t, host);
    t.match(said, `the image ${small} cannot be pulled: `);
    t.match(said, `next: docker login ${privateRegistry}`);
  });

  await t.test('with what docker login left: pulled, and no secret is said', async (t) => {
    const auths = { [privateRegistry]: { auth: secret } };
    await writeDockerConfig(host, { auths });
    const said = await expectUpdate(t, host, 0);
    t.match(await host.served(8082), { version: 'v2' });
    t.notMatch(said, login.password);
    t.notMatch(said, secret);
  });

  await t.test('silence in the middle of a pull: given up, and nothing touched', async (t) => {
    const text = await host.readFile(configPath);
    const limits = `timeouts:\n  pull_idle_seconds: ${IDLE_SECONDS}\n`;
    await host.writeFile(configPath, `${text}\n${limits}`, { mode: '0600' });
    await release(big);
    const refused = expectRefusal(t, host);
    const status = await statusDuring(host, /MB/);
    await stall(host, true);
    const said = await refused;
    await stall(host, false);
    t.match(status, /^[\d.]+ of [\d.]+ MB \(\d of \d layers?\) of \S+orchestrator:v3: \d+%/);
    t.match(said, `the image ${big} cannot be pulled: brought nothing for ${IDLE_SECONDS} s`);
    t.match(said, `next: docker pull ${big}`);
    t.match(await host.served(8082), { version: 'v2' });
  });

  await t.test('slow but alive: as long as it takes; the helper has the password', async (t) => {
    const helper = ['#!/bin/sh', 'read -r server', `[ "$server" = ${privateRegistry} ] || exit 1`];
    const answer = `{"Username":"${login.username}","Secret":"${login.password}"}`;
    const script = [...helper, `echo '${answer}'`, ''].join('\n');
    await host.writeFile('/usr/local/bin/docker-credential-lab', script, { mode: '0755' });
    await writeDockerConfig(host, { credHelpers: { [privateRegistry]: 'lab' } });
    const said = await expectUpdate(t, host, 0);
    t.match(await host.served(8082), { version: 'v3' });
    t.notMatch(said, login.password);
  });

  await t.test('on a terminal: a bar of the bytes', async (t) => {
    await release(bigger);
    const run = ['-qec', 'orchestrator-update run', '/dev/null'];
    const { stdout } = await host.run('script', run, { timeoutSeconds: 120, reject: true });
    t.match(stdout, /[\d.]+ of [\d.]+ MB \(\d of \d layers?\) of localhost\S+ ▓+░+ \d+%/);
    t.match(await host.served(8082), { version: 'v4' });
  });
});

/** What `systemctl status` shows of the update that is under way, as soon as it matches. */
async function statusDuring(host: InstalledHost, pattern: RegExp): Promise<string> {
  const args = ['show', 'orchestrator-update.service', '--property=StatusText', '--value'];
  const seen = await poll(
    async () => {
      const { stdout } = await host.run('systemctl', args);
      return pattern.test(stdout) ? stdout.trim() : undefined;
    },
    { timeoutSeconds: 40, stepMs: 100 },
  );
  if (seen === undefined) throw new Error(`no status ${pattern}: ${await host.journal()}`);
  return seen;
}

async function writeDockerConfig(host: InstalledHost, config: unknown): Promise<void> {
  await host.run('mkdir', ['-p', '-m', '0700', '/root/.docker'], { reject: true });
  await host.writeFile('/root/.docker/config.json', JSON.stringify(config), { mode: '0600' });
}
