import t, { type Test } from 'tap';
import { composeVersions, type ComposeVersion } from '../../support/compose-versions.ts';
import { bringCompose } from '../compose-plugin.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { expectUpdate } from '../picture.ts';
import { composeFile, type ClusterChange } from '../cluster.ts';

/** The variables of a release lie in a tracked file, those of the host in `.env`. */
const config = [
  'compose:',
  '  environment:',
  '    COMPOSE_ENV_FILES: .env,release.env',
  'policy:',
  '  dangerous: apply',
].join('\n');

/** The secret of the release, the config of the host; `tag` moves another service. */
const cluster = (tag: string): ClusterChange => ({
  services: {
    orchestrator: { tag },
    knowledge: {
      extra: { secrets: ['key'], configs: [{ source: 'motd', target: '/etc/motd' }] },
    },
  },
  extra: {
    secrets: { key: { environment: 'RELEASE_KEY' } },
    configs: { motd: { content: 'hello ${HOST_WORD}, $$5' } },
  },
});

for (const version of composeVersions) {
  await t.test(`configs and secrets that are no files, docker compose ${version}`, (t) =>
    testGiven(t, version),
  );
}

async function testGiven(t: Test, version: ComposeVersion): Promise<void> {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await bringCompose(host, version);
  await host.pushRelease({ message: 'Variables', files: { 'release.env': '' } });
  await expectUpdate(t, host, 0);
  const file = '/etc/orchestrator-update/update_config.yaml';
  const settings = `${await host.readFile(file)}\n${config}\n`;
  await host.writeFile(file, settings, { mode: '0600', owner: 'root:root' });
  const env = `${host.projectDir}/.env`;
  const { stdout: usual } = await host.bash(`cat ${env}`);
  const setWord = (word: string): Promise<void> =>
    host.writeFile(env, `${usual}\nHOST_WORD=${word}\n`, { owner: 'geo:geo' });
  const push = (tag: string, key: string): Promise<string> =>
    host.pushRelease({
      message: `Key ${key}`,
      files: {
        'docker-compose.yml': composeFile(cluster(tag)),
        'release.env': `RELEASE_KEY=${key}\n`,
      },
    });
  await setWord('you');
  await push('v1', 'one $$ two');
  await expectUpdate(t, host, 0);
  t.equal(await inContainer(host, '/run/secrets/key'), 'one $ two');
  t.equal(await inContainer(host, '/etc/motd'), 'hello you, $5');

  await t.test(
    'another value of a variable in the release: its service is made anew',
    async (t) => {
      await push('v1', 'three');
      t.match(await plannedFor(host), {
        action: 'recreate',
        reasons: [/uses what changed: secret key/],
      });
      t.notMatch((await host.cli('plan', '--json')).stdout, /three/, 'the value is not shown');
      const before = await idOf(host, 'orchestrator');
      await expectUpdate(t, host, 0);
      t.equal(await inContainer(host, '/run/secrets/key'), 'three');
      t.equal(await idOf(host, 'orchestrator'), before, 'others are not touched');
    },
  );

  await t.test('another value on the host is drift: named, and repaired on the way', async (t) => {
    await setWord('me');
    const drift = /holds another config motd than its release has/;
    t.match(await plannedFor(host), { action: 'untouched', drift });
    await push('v2', 'three');
    t.match(await plannedFor(host), { action: 'recreate', drift });
    await expectUpdate(t, host, 0);
    t.equal(await inContainer(host, '/etc/motd'), 'hello me, $5');
    const settled = (await plannedFor(host)) as { drift?: string };
    t.equal(settled.drift, undefined);
  });
}

async function inContainer(host: InstalledHost, path: string): Promise<string> {
  const args = ['exec', 'knowledge', '/bin/busybox', 'cat', path];
  return (await host.run('docker', args, { reject: true })).stdout;
}

async function idOf(host: InstalledHost, service: string): Promise<string | undefined> {
  return (await host.containers()).find((one) => one.service === service)?.id;
}

async function plannedFor(host: InstalledHost): Promise<object | undefined> {
  const { services } = JSON.parse((await host.cli('plan', '--json')).stdout) as {
    services: { service: string }[];
  };
  return services.find(({ service }) => service === 'knowledge');
}
