import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import { openEngineStream } from '../../../src/host/engine-api.ts';
import { pullImage } from '../../../src/host/image-pull.ts';
import { daemon } from '../../support/daemon.ts';

const refused = { name: 'OperatorError' };

/** Pulls from a daemon that behaves so; what was asked of it, and what was shown. */
async function pull(
  t: Test,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  options: {
    reference?: string;
    timeouts?: Record<string, number>;
    signal?: AbortSignal;
    dockerConfig?: unknown;
  } = {},
) {
  const { reference = 'reg:5000/web:2', timeouts = {}, signal, dockerConfig } = options;
  const directory = t.testdir({});
  mkdirSync(join(directory, 'docker'));
  if (dockerConfig !== undefined) {
    const text = typeof dockerConfig === 'string' ? dockerConfig : JSON.stringify(dockerConfig);
    writeFileSync(join(directory, 'docker', 'config.json'), text);
  }
  process.env['DOCKER_CONFIG'] = join(directory, 'docker');
  const asked: { line: string; auth: unknown }[] = [];
  let closed = false;
  const socket = await daemon(t, (request, response) => {
    const header = request.headers['x-registry-auth'];
    const auth = header && JSON.parse(Buffer.from(String(header), 'base64url').toString('utf8'));
    asked.push({ line: `${request.method} ${decodeURIComponent(request.url ?? '')}`, auth });
    response.on('close', () => (closed = true));
    answer(response, request);
  });
  const shown: [string, number | undefined][] = [];
  const pulled = pullImage(
    {
      config: settleConfig(configSchema.parse({ timeouts })),
      stream: openEngineStream(socket),
      signal: () => signal,
      watch: { started: () => {}, line: () => {} },
      onProgress: (status, fraction) => shown.push([status, fraction]),
    },
    reference,
  );
  return { pulled, asked, shown, isClosed: () => closed };
}

const say = (response: ServerResponse, ...events: object[]): void => {
  for (const event of events) response.write(`${JSON.stringify(event)}\r\n`);
};
const half = {
  id: 'a',
  status: 'Downloading',
  progressDetail: { current: 5_000_000, total: 10_000_000 },
};

const silent = (response: ServerResponse): void => say(response, half);
const dripping = (response: ServerResponse): void => {
  const timer = setInterval(() => say(response, half), 100);
  response.on('close', () => clearInterval(timer));
};

await t.test('one tag is pulled, and the bytes are shown', async (t) => {
  const { pulled, asked, shown } = await pull(t, (response) => {
    say(response, half);
    response.end();
  });
  await pulled;
  t.same(asked, [{ line: 'POST /images/create?fromImage=reg:5000/web&tag=2', auth: undefined }]);
  t.same(shown, [['5.0 of 10.0 MB (0 of 1 layer) of reg:5000/web:2', 0.5]]);
});

await t.test('never all tags: latest where none is named, the digest where one is', async (t) => {
  for (const [reference, tag] of [
    ['reg:5000/web', 'latest'],
    ['reg:5000/web:1@sha256:abc', 'sha256:abc'],
  ] as const) {
    const { pulled, asked } = await pull(t, (response) => response.end(), { reference });
    await pulled;
    t.match(asked[0]?.line, `fromImage=reg:5000/web&tag=${tag}`);
  }
});

await t.test('a refusal, at once or in the middle, names the image and the why', async (t) => {
  const early = await pull(t, (response) =>
    response.writeHead(404).end('{"message":"manifest unknown"}'),
  );
  await t.rejects(early.pulled, {
    ...refused,
    message: 'the image reg:5000/web:2 cannot be pulled: manifest unknown',
    next: 'docker pull reg:5000/web:2',
  });
  const late = await pull(t, (response) => {
    say(response, half, { error: 'no space left on device', errorDetail: {} });
    response.end();
  });
  await t.rejects(late.pulled, { message: /pulled: no space left on device$/ });
  const denied = await pull(t, (response) =>
    response.writeHead(500).end('{"message":"unauthorized: authentication required"}'),
  );
  await t.rejects(denied.pulled, { ...refused, next: 'docker login reg:5000' });
});

await t.test('a hang, a pull without end and a stop close the connection', async (t) => {
  const idle = await pull(t, silent, { timeouts: { pull_idle_seconds: 1 } });
  await t.rejects(idle.pulled, { message: /pulled: brought nothing for 1 s$/ });
  t.ok(idle.isClosed(), 'so that the daemon gives up too');

  const limits = { pull_idle_seconds: 1, pull_seconds: 2 };
  const endless = await pull(t, dripping, { timeouts: limits });
  await t.rejects(endless.pulled, { message: /pulled: took longer than 2 s$/ });

  const stop = new AbortController();
  const stopped = await pull(t, dripping, { signal: stop.signal });
  setTimeout(() => stop.abort(), 200);
  await t.rejects(stopped.pulled, { message: /pulled: was stopped$/ });
  const before = await pull(t, dripping, { signal: AbortSignal.abort() });
  await t.rejects(before.pulled, { message: /pulled: was stopped$/ });
});

await t.test('a daemon that dies in the middle', async (t) => {
  const torn = await pull(t, (response, request) => {
    say(response, half);
    setTimeout(() => request.socket.destroy(), 50);
  });
  await t.rejects(torn.pulled, { message: /cannot be pulled: Docker does not answer/ });
});

await t.test('credentials go with it; their lack is told when the pull fails', async (t) => {
  const auths = { 'reg:5000': { auth: Buffer.from('geo:s3:cret').toString('base64') } };
  const known = await pull(t, (response) => response.end(), { dockerConfig: { auths } });
  await known.pulled;
  t.same(known.asked[0]?.auth, {
    username: 'geo',
    password: 's3:cret',
    serveraddress: 'reg:5000',
  });

  const dockerConfig = '{"auths": {"reg:5000": {"auth": "c2VjcmV0"';
  const broken = await pull(t, (response) => response.writeHead(404).end('{"message":"denied"}'), {
    dockerConfig,
  });
  await t.rejects(broken.pulled, {
    message: /pulled: denied \(no credentials from .*\/config\.json: it is no JSON\)$/,
  });
});
