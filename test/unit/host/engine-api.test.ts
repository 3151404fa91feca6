import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import type { EngineHost } from '../../../src/host/host.ts';
import { createEngine } from '../../../src/host/engine.ts';
import { openEngineApi, openEngineStream } from '../../../src/host/engine-api.ts';
import { dockerSocket } from '../../../src/host/engine-socket.ts';
import { daemon } from '../../support/daemon.ts';

/** The engine over a daemon that knows these answers, and what it was asked. */
async function engineWith(
  t: { teardown: (end: () => void) => void },
  answers: Readonly<Record<string, readonly [status: number, body: unknown]>>,
): Promise<{ engine: EngineHost; asked: string[] }> {
  const asked: string[] = [];
  const socket = await daemon(t, (request, response) => {
    const line = `${request.method} ${decodeURIComponent(request.url ?? '')}`;
    asked.push(line);
    const [status, body] = answers[line] ?? [404, { message: `no ${line}` }];
    response.writeHead(status).end(JSON.stringify(body));
  });
  const engine = createEngine({
    config: settleConfig(configSchema.parse({ project_name: 'shop' })),
    api: openEngineApi(socket, 5),
    apiWith: (headers) => openEngineApi(socket, 5, headers),
    ping: openEngineApi(socket, 1),
    patient: openEngineApi(socket, 5),
    stream: openEngineStream(socket),
    signal: () => undefined,
    sleep: (seconds) => wait(seconds * 1000),
    watch: { started: () => {}, line: () => {} },
    onProgress: () => {},
  });
  return { engine, asked };
}

/** What `GET /containers/{id}/json` says of a container of the project. */
function inspected(name: string, labels: object = {}, state: object = {}) {
  return {
    Id: `id-${name}`,
    Name: `/${name}`,
    Image: 'sha256:i',
    RestartCount: 2,
    Config: {
      Image: 'web:1',
      Labels: { 'com.docker.compose.service': 'web', ...labels },
      Env: ['API_TOKEN=hunter2-9f', 'PATH=/bin'],
    },
    State: { Status: 'running', ExitCode: 0, StartedAt: 's', ...state },
    Mounts: [
      { Type: 'volume', Name: 'shop_data', Destination: '/data' },
      { Type: 'volume', Name: 'f'.repeat(64), Destination: '/anonymous' },
      { Type: 'bind', Destination: '/bound' },
    ],
    NetworkSettings: { Networks: { shop_default: {} } },
  };
}

const listing =
  'GET /containers/json?all=true&filters={"label":["com.docker.compose.project=shop"]}';

await t.test('status and body, JSON where it is JSON', async (t) => {
  const socket = await daemon(t, (request, response) => {
    if (request.url === '/_ping') response.end('OK');
    else response.writeHead(201).end('{"method":"' + request.method + '"}');
  });
  const api = openEngineApi(socket, 5);
  t.same(await api('GET', '/_ping'), { status: 200, body: 'OK' });
  t.same(await api('POST', '/x'), { status: 201, body: { method: 'POST' } });
});

await t.test('no daemon, a silent one, one that breaks off: the socket and the why', async (t) => {
  const absent = openEngineApi('/nonexistent/docker.sock', 5)('GET', '/version');
  await t.rejects(absent, {
    message: /Docker does not answer \(GET \/version on \/nonexistent\/docker\.sock\): .*ENOENT/,
    next: /systemctl status docker/,
  });
  const silent = await daemon(t, () => {});
  await t.rejects(openEngineApi(silent, 0.2)('GET', '/x'), { message: /no answer within 0\.2 s/ });
  const torn = await daemon(t, (request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":');
    setTimeout(() => request.socket.destroy(), 50);
  });
  await t.rejects(openEngineApi(torn, 5)('GET', '/x'), { message: /Docker does not answer/ });
});

await t.test('DOCKER_HOST names the socket where it is one', async (t) => {
  t.equal(dockerSocket({}), '/var/run/docker.sock');
  t.equal(
    dockerSocket({ DOCKER_HOST: 'unix:///run/user/1/docker.sock' }),
    '/run/user/1/docker.sock',
  );
});

await t.test('containers of the project, one-off runs left out, in name order', async (t) => {
  const log = [{ Output: 'first' }, { Output: 'Traceback\n  last line hunter2-9f\n' }];
  const { engine } = await engineWith(t, {
    [listing]: [200, [{ Id: 'z' }, { Id: 'a' }, { Id: 'job' }, { Id: 'gone' }]],
    'GET /containers/z/json': [200, inspected('z', { 'com.docker.compose.config-hash': 'h' })],
    'GET /containers/a/json': [
      200,
      inspected(
        'a',
        {},
        { Status: 'exited', ExitCode: 3, Health: { Status: 'unhealthy', Log: log } },
      ),
    ],
    'GET /containers/job/json': [200, inspected('job', { 'com.docker.compose.oneoff': 'True' })],
  });
  const [first, second, ...others] = await engine.containers();
  t.match(first, {
    id: 'id-a',
    name: 'a',
    service: 'web',
    state: 'exited',
    exitCode: 3,
    health: 'unhealthy',
    healthOutput: 'Traceback | last line …',
    configHash: '',
  });
  t.match(second, { name: 'z', configHash: 'h', restartCount: 2, networks: ['shop_default'] });
  t.same(second?.anonymousVolumes, ['/anonymous']);
  t.equal(second?.health, undefined);
  t.same(others, []);
});

await t.test('an image that is not there is no failure, a broken engine is', async (t) => {
  const { engine } = await engineWith(t, {
    'GET /images/reg:5000/web:2/json': [200, { Id: 'sha256:w' }],
    'GET /images/broken/json': [500, { message: 'input/output error' }],
  });
  t.equal(await engine.imageId('reg:5000/web:2'), 'sha256:w');
  t.equal(await engine.imageId('absent'), undefined);
  await t.rejects(engine.imageId('broken'), { message: /refused the image broken: input\/output/ });
});

await t.test('what an image is, and what the engine is made of', async (t) => {
  const { engine } = await engineWith(t, {
    'GET /images/here/json': [
      200,
      { Id: 'sha256:h', RepoDigests: ['here@sha256:d'], RepoTags: ['here:1'], Size: 7 },
    ],
    'GET /images/built/json': [200, { Id: 'sha256:b', RepoDigests: null }],
    'GET /images/kept/json': [
      200,
      {
        Id: 'sha256:k',
        RepoDigests: ['orchestrator-update/kept@sha256:k', 'orchestrator-update/kept2@sha256:k'],
      },
    ],
    'GET /info': [200, { Driver: 'overlay2', DockerRootDir: '/data/docker' }],
    'GET /version': [
      200,
      {
        Version: '26.1.5',
        Components: [
          { Name: 'Engine', Version: '26.1.5' },
          { Name: 'containerd', Version: '1.7.24' },
          { Name: 'runc', Version: '1.1.15' },
        ],
      },
    ],
  });
  const here = { id: 'sha256:h', digests: ['here@sha256:d'], tags: ['here:1'], sizeBytes: 7 };
  t.same(await engine.imageFacts('here'), here);
  t.same(await engine.imageFacts('built'), { id: 'sha256:b', digests: [], tags: [], sizeBytes: 0 });
  const others = ['orchestrator-update/kept2@sha256:k'];
  t.same(
    (await engine.imageFacts('kept'))?.digests,
    others,
    'what our own tags are called is none',
  );
  t.equal(await engine.imageFacts('absent'), undefined);
  t.same(await engine.versions(), {
    dockerd: '26.1.5',
    containerd: '1.7.24',
    runc: '1.1.15',
    storageDriver: 'overlay2',
    rootDirectory: '/data/docker',
  });
});

await t.test('tags are given, and only ours are dropped', async (t) => {
  const kept = 'orchestrator-update/kept';
  const { engine, asked } = await engineWith(t, {
    [`POST /images/sha256:i/tag?repo=${kept}&tag=t1-web`]: [201, {}],
    [`GET /images/json?filters={"reference":["${kept}"]}`]: [
      200,
      [{ RepoTags: [`${kept}:old-web`, 'web:1', `${kept}:new-web`] }, { RepoTags: null }],
    ],
    [`DELETE /images/${kept}:old-web`]: [409, { message: 'in use' }],
  });
  await engine.tag('sha256:i', `${kept}:t1-web`);
  await engine.dropKeptTags([`${kept}:new-web`]);
  t.same(
    asked.filter((line) => line.startsWith('DELETE')),
    [`DELETE /images/${kept}:old-web`],
  );
  await t.rejects(engine.tag('absent', 'x:1'), {
    message: /refused a tag x:1 for absent: no POST/,
  });
});

await t.test('a container is removed without its volumes, and may be gone', async (t) => {
  const { engine, asked } = await engineWith(t, { [listing]: [200, []] });
  const gone = { id: 'x', name: 'web' } as Parameters<EngineHost['remove']>[0];
  await engine.remove(gone);
  await engine.rename(gone, 'web-1');
  await engine.stop(gone);
  t.same(asked, [
    'DELETE /containers/x?force=true',
    'POST /containers/x/rename?name=web-1',
    'POST /containers/x/stop',
  ]);
});

await t.test('waiting for Docker ends when it answers, or when the time is up', async (t) => {
  const up = { Components: [{ Name: 'Engine' }, { Name: 'containerd' }, { Name: 'runc' }] };
  const half = { Components: [{ Name: 'Engine' }, { Name: 'runc' }] };
  const isUp = async (version: unknown): Promise<boolean> =>
    (await engineWith(t, { 'GET /version': [200, version] })).engine.waitUntilUp(0);
  t.equal(await isUp(up), true);
  t.equal(await isUp(half), false, 'without its containerd it can do nothing');
  t.equal(await isUp({}), true, 'an engine that names no parts is believed');
  const { engine, asked } = await engineWith(t, {});
  t.equal(await engine.waitUntilUp(1.5), false);
  t.equal(asked.length, 3, 'asked once a second');
});
