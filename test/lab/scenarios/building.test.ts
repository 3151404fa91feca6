import t from 'tap';
import { composeFile } from '../cluster.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { expectRefusal, expectUpdate } from '../picture.ts';

const image = 'autonomy-knowledge';
const base = 'FROM registry.lab:5000/knowledge:v1';

await t.test('a service whose image is built on the host', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());

  await t.test('a release that brings a build: built, then applied', async (t) => {
    const before = await others(host);
    await release(host, 'b1');
    const said = await expectUpdate(t, host, 0);
    t.match(said, /build knowledge/);
    t.match(await host.served(8200), { version: 'b1' });
    t.same(await others(host), before, 'nobody else was touched');
  });

  await t.test('only a file of the build context changed', async (t) => {
    const before = await others(host);
    await release(host, 'b2');
    const said = await expectUpdate(t, host, 0);
    t.match(
      said,
      /service knowledge is built anew: its build or files of its build context changed/,
    );
    t.match(await host.served(8200), { version: 'b2' });
    t.same(await others(host), before, 'nobody else was touched');
  });

  await t.test('a file beside the repository goes into the image, as a file', async (t) => {
    const key = { mode: '0600', owner: 'geo:geo' };
    await host.writeFile(`${host.projectDir}/knowledge/.env`, 'KEY=of this host\n', key);
    await release(host, 'b2', 'COPY .env /key');
    await expectUpdate(t, host, 0);
    const cat = ['exec', 'knowledge', '/bin/busybox', 'cat', '/key'];
    const { stdout } = await host.run('docker', cat);
    t.equal(stdout.trim(), 'KEY=of this host');
  });

  await t.test('nothing of it changed: not built, not touched', async (t) => {
    const before = await idOf(host, 'knowledge');
    await host.pushRelease({ message: 'Words', files: { 'README.md': 'more words\n' } });
    t.notMatch(await expectUpdate(t, host, 0), /build knowledge/);
    t.equal(await idOf(host, 'knowledge'), before);
  });

  await t.test(
    'a build that fails: refused, with what it said; the name keeps its image',
    async (t) => {
      const before = await imageId(host);
      await release(host, 'b3', 'COPY absent /absent');
      const said = await expectRefusal(t, host);
      t.match(said, /docker compose .* build .*knowledge: failed/);
      t.match(said, /absent.*not found/);
      t.match(said, /next: /);
      t.equal(await imageId(host), before);
    },
  );

  await t.test('refused after a build: the name has its old image again', async (t) => {
    const before = await imageId(host);
    await release(host, 'b4');
    const config = '/etc/orchestrator-update/update_config.yaml';
    const text = await host.readFile(config);
    const greedy = text.replace(/^backup:$/m, 'backup:\n  reserve_mb: 900000');
    await host.writeFile(config, greedy, { mode: '0600' });
    t.match(await expectRefusal(t, host), /MB/);
    t.equal(await imageId(host), before, 'docker compose up by hand would not bring it');
    await host.writeFile(config, text, { mode: '0600' });
  });

  await t.test('built, and not healthy: back to the old image', async (t) => {
    const before = await imageId(host);
    await release(host, 'b5', 'ENV MODE=unhealthy');
    t.match(await expectUpdate(t, host, 12), /was rolled back to .*, which is healthy/);
    t.match(await host.served(8200), { version: 'b2' });
    t.equal(await imageId(host), before);
    const [container] = (await host.containers()).filter(({ service }) => service === 'knowledge');
    t.equal(container?.image, image);
  });
});

/** Publishes a release in which the knowledge is built, and reports this version. */
async function release(host: InstalledHost, version: string, more = ''): Promise<void> {
  const knowledge = { extra: { image: undefined, build: './knowledge' } };
  await host.pushRelease({
    message: version,
    files: {
      'docker-compose.yml': composeFile({ services: { knowledge } }),
      'knowledge/Dockerfile': `${base}\nENV VERSION=${version}\n${more}\n`,
    },
  });
}

async function others(host: InstalledHost): Promise<string[]> {
  return (await host.containers())
    .filter(({ service }) => service !== 'knowledge')
    .map(({ name, id, startedAt }) => `${name} ${id} ${startedAt}`);
}

async function idOf(host: InstalledHost, wanted: string): Promise<string | undefined> {
  return (await host.containers()).find(({ service }) => service === wanted)?.id;
}

async function imageId(host: InstalledHost): Promise<string> {
  const args = ['image', 'inspect', '--format={{.Id}}', image];
  return (await host.run('docker', args, { reject: true })).stdout.trim();
}
