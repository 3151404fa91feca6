import t from 'tap';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { expectUpdate } from '../picture.ts';
import {
  login,
  privateRegistry,
  pushPrivately,
  stall,
  startPrivateRegistry,
} from '../private-registry.ts';

const store = '/var/lib/private-registry/docker/registry/v2/repositories/orchestrator';
const IMAGE = 'application/vnd.docker.distribution.manifest.v2+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

const curl = ['-sSf', '-u', `${login.username}:${login.password}`];
const urlOf = (tag: string): string => `http://${privateRegistry}/v2/orchestrator/manifests/${tag}`;

await t.test('what registries have, of a cluster with an image of its own registry', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await startPrivateRegistry(host);
  const image = await pushPrivately(host, 'v2', 1);
  await pushPrivately(host, 'v3', 1);
  await logIn(host, login.password);
  await host.pushCluster({ services: { orchestrator: { image } } });
  await expectUpdate(t, host, 0);
  const here = await imagesOf(host);
  const first = await entryOf(host, 'v2');
  const other = await entryOf(host, 'v3');

  await t.test('nothing moved', async (t) => {
    const { exitCode, stdout } = await host.cli('images');
    t.equal(exitCode, 0, stdout);
    t.match(stdout, rowOf(image, 'same'));
    t.match(stdout, /images\.mode is watchtower/);
    const rows = stdout.split('\n').filter((line) => line.includes('\tregistry.lab:5000/'));
    t.ok(rows.length > 0 && rows.every((row) => row.endsWith('\tsame')), stdout);
  });

  await t.test('another platform moved: the same; then ours', async (t) => {
    const platforms = [
      { ...first, platform: { os: 'linux', architecture: 'amd64' } },
      { ...other, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    ];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: platforms });
    await host.writeFile('/tmp/index.json', index);
    await putManifest(host, 'v2', INDEX, '/tmp/index.json');
    const said = await host.cli('images');
    t.equal(said.exitCode, 0);
    t.match(said.stdout, rowOf(image, 'same: its image for another platform moved'));
    await putManifest(host, 'v2', IMAGE, '/tmp/v3.json');
    const moved = await host.cli('images', '--json');
    t.equal(moved.exitCode, 0);
    const { services } = JSON.parse(moved.stdout) as {
      services: { service: string; answer: { pinned?: string } | null }[];
    };
    const { answer } = services.find(({ service }) => service === 'orchestrator') ?? {};
    const pinned = `${image}@${other.digest}`;
    t.match(answer, { verdict: 'moved', digest: other.digest, pinned });
  });

  await t.test('a wrong password, no answer, a deleted tag, no registry', async (t) => {
    const expectFailure = async (kind: string, detail: RegExp, next: string | RegExp) => {
      const set = ['--set', 'images.timeout_seconds=2'];
      const { exitCode, stdout, stderr } = await host.cli('images', ...set);
      t.equal(exitCode, 1, stderr);
      t.match(stdout, rowOf(image, `not known: ${kind}`));
      t.match(stdout, detail);
      t.match(stdout, next);
      t.notMatch(stdout, login.password);
    };
    await writeLogin(host, 'wrong-secret');
    await expectFailure('denied', /does not take the login/, `docker login ${privateRegistry}`);
    await writeLogin(host, login.password);
    await stall(host, true);
    await expectFailure('unreachable', /no whole answer within 2 s/, /curl -sSI/);
    await stall(host, false);
    await host.run('rm', ['-r', `${store}/_manifests/tags/v2`], { reject: true });
    await expectFailure('absent', /has no orchestrator:v2/, 'what runs is not touched');
    await host.bash("kill $(pgrep -f '[d]ocker-registry serve /etc/private-registry')", {
      reject: true,
    });
    await expectFailure('unreachable', /does not answer/, /curl -sSI/);
  });

  t.same(await imagesOf(host), here, 'nothing was pulled');
  t.match(await host.served(8082), { version: 'v2' });
});

function rowOf(image: string, verdict: string): RegExp {
  const escaped = [image, verdict].map((text) => text.replaceAll('.', '\\.'));
  return new RegExp(`^orchestrator\\t${escaped[0]}\\t.*\\t${escaped[1]}$`, 'm');
}

async function imagesOf(host: InstalledHost): Promise<string[]> {
  const args = ['image', 'ls', '--all', '--digests', '--no-trunc', '--format'];
  const format = '{{.ID}} {{.Repository}} {{.Tag}} {{.Digest}}';
  const { stdout } = await host.run('docker', [...args, format], { reject: true });
  return stdout.split('\n').toSorted();
}

async function logIn(host: InstalledHost, password: string): Promise<void> {
  const user = `-u ${login.username} --password-stdin ${privateRegistry}`;
  await host.bash(`echo ${password} | docker login ${user}`, { reject: true });
}

/** As `docker login` leaves it, which does not take a wrong one. */
async function writeLogin(host: InstalledHost, password: string): Promise<void> {
  const auth = Buffer.from(`${login.username}:${password}`).toString('base64');
  const config = JSON.stringify({ auths: { [privateRegistry]: { auth } } });
  await host.writeFile('/root/.docker/config.json', config, { mode: '0600' });
}

/** An entry of an index for a tag; its manifest is left in a file of that name. */
async function entryOf(host: InstalledHost, tag: string) {
  const ask = [...curl, '-H', `accept: ${IMAGE}`, urlOf(tag)];
  await host.run('curl', [...ask, '-o', `/tmp/${tag}.json`], { reject: true });
  const { stdout } = await host.run('curl', [...ask, '-I'], { reject: true });
  const header = (name: string): string =>
    new RegExp(`^${name}: (\\S+)`, 'im').exec(stdout)?.[1] ?? '';
  const size = Number(header('content-length'));
  return { mediaType: IMAGE, digest: header('docker-content-digest'), size };
}

async function putManifest(host: InstalledHost, tag: string, type: string, file: string) {
  const body = ['-X', 'PUT', '-H', `content-type: ${type}`, '--data-binary', `@${file}`];
  await host.run('curl', [...curl, ...body, urlOf(tag)], { reject: true });
}
