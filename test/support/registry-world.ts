// oxlint-disable no-restricted-globals -- fetch: an image is pushed
import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import type { Test } from 'tap';

/** The one user that the registry lets in. */
export const user = { username: 'geo', password: 'right-secret' };

/** What a registry is given to do instead of its own answer: true where it answered. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A real registry, behind a server that counts what it is asked. */
export interface RegistryWorld {
  /** `127.0.0.1:40123`: what references begin with. */
  readonly name: string;
  /** What it was asked since the last time: `HEAD /v2/team/app/manifests/1`. */
  asked(): string[];
  /** Headers of all that it was asked. */
  readonly sent: IncomingMessage['headers'][];
  fault: Fault | undefined;
  /** Pushes, past any login, an image for each platform under a tag; returns what it is called. */
  push(
    repository: string,
    tag: string,
    platforms: Readonly<Record<string, string>>,
  ): Promise<Pushed>;
  removeTag(repository: string, tag: string): void;
}

export interface Pushed {
  readonly digest: string;
  /** By platform. */
  readonly instances: Readonly<
    Record<string, { readonly digest: string; readonly config: string }>
  >;
}

/** Starts it; it ends with the test. */
export async function startRegistry(
  t: Test,
  auth: 'none' | 'password' | 'token',
  tls?: 'self-made certificate',
): Promise<RegistryWorld> {
  const directory = freshDirectory(t);
  const keys = await makeKeys(directory);
  const state: Pick<RegistryWorld, 'fault' | 'sent'> & { log: string[] } = {
    fault: undefined,
    sent: [],
    log: [],
  };
  let upstream = 0;
  const front = createFront(tls && keys, (incoming, response) => {
    const url = new URL(incoming.url ?? '', 'http://any');
    state.log.push(`${incoming.method} ${incoming.url}`);
    state.sent.push(incoming.headers);
    if (state.fault?.(incoming, response) === true) return;
    if (url.pathname === '/token') giveToken(incoming, response, keys.privateKey);
    else forward(incoming, response, upstream);
  });
  const name = `127.0.0.1:${await listen(t, front)}`;
  const open = await serve(t, directory, '');
  upstream =
    auth === 'none'
      ? open
      : await serve(
          t,
          directory,
          auth === 'password' ? await htpasswd(directory) : tokenAuth(name, keys),
        );
  return {
    name,
    asked: () => state.log.splice(0),
    sent: state.sent,
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
    },
    push: (repository, tag, platforms) => push(open, repository, tag, platforms),
    removeTag: (repository, tag) =>
      rmSync(
        join(
          directory,
          'store/docker/registry/v2/repositories',
          repository,
          '_manifests/tags',
          tag,
        ),
        { recursive: true },
      ),
  };
}

/** A directory of its own, until the test ends; `testdir` has one for a test. */
export function freshDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'registry-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function createFront(keys: Keys | undefined, listener: RequestListener): Server {
  if (keys === undefined) return createServer(listener);
  const [cert, key] = [readFileSync(keys.certificate), readFileSync(keys.privateKey)];
  return createTlsServer({ cert, key }, listener);
}

/** Listens on a port of its own until the test ends. */
export async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(t: Test, directory: string, auth: string): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const file = join(directory, `${randomUUID()}.yml`);
  const lines = [
    'version: 0.1',
    'log: {level: error, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${directory}/store}}`,
    `http: {addr: 127.0.0.1:${port}, relativeurls: true}`,
    auth,
  ];
  writeFileSync(file, lines.join('\n'));
  const child = execa('docker-registry', ['serve', file], { reject: false, all: true });
  t.teardown(async () => {
    child.kill();
    await child;
  });
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined)) !== undefined)
      return port;
    await wait(100);
  }
  throw new Error('the registry does not start');
}

async function htpasswd(directory: string): Promise<string> {
  const script = 'print crypt($ARGV[0], $ARGV[1])';
  const salt = '$2y$05$abcdefghijklmnopqrstuu';
  const { stdout } = await execa('perl', ['-e', script, user.password, salt]);
  const path = join(directory, 'users');
  writeFileSync(path, `${user.username}:${stdout}\n`);
  return `auth: {htpasswd: {realm: lab, path: ${path}}}`;
}

interface Keys {
  readonly certificate: string;
  readonly privateKey: string;
}

async function makeKeys(directory: string): Promise<Keys> {
  const keys = {
    certificate: join(directory, 'token.crt'),
    privateKey: join(directory, 'token.key'),
  };
  const how = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=lab'];
  await execa('openssl', ['req', ...how, '-keyout', keys.privateKey, '-out', keys.certificate]);
  certificateOf.set(keys.privateKey, keys.certificate);
  return keys;
}

const certificateOf = new Map<string, string>();

function tokenAuth(name: string, { certificate }: Keys): string {
  const realm = `http://${name}/token`;
  return `auth: {token: {realm: "${realm}", service: lab, issuer: lab, rootcertbundle: ${certificate}}}`;
}

/** A token server as Docker Hub has one: all scopes in one token; who gives a password gives the right one. */
function giveToken(incoming: IncomingMessage, response: ServerResponse, privateKey: string): void {
  const right = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  const { authorization } = incoming.headers;
  if (authorization !== undefined && authorization !== right) {
    response.writeHead(401).end('{"details":"incorrect username or password"}');
    return;
  }
  const scopes = new URL(incoming.url ?? '', 'http://any').searchParams.getAll('scope');
  const access = scopes.flatMap((scope) => {
    const [type = '', name = '', actions = ''] = scope.split(':');
    // What is private is granted to a login alone.
    const isGranted = authorization !== undefined || !name.startsWith('private/');
    return isGranted ? [{ type, name, actions: actions.split(',') }] : [];
  });
  response.end(JSON.stringify({ token: signed(access, privateKey), expires_in: 300 }));
}

function signed(access: readonly object[], keyFile: string): string {
  const certificate = readFileSync(certificateOf.get(keyFile) ?? '', 'utf8');
  const x5c = [certificate.replaceAll(/-----[^-]+-----|\s/g, '')];
  const now = Math.floor(Date.now() / 1000);
  const times = { nbf: now - 10, iat: now - 10, exp: now + 300 };
  const body = { iss: 'lab', sub: '', aud: 'lab', jti: randomUUID(), ...times, access };
  const text = [{ typ: 'JWT', alg: 'RS256', x5c }, body]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const key = createPrivateKey(readFileSync(keyFile));
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

function forward(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, url, headers } = incoming;
  const call = request({ host: '127.0.0.1', port, method, path: url, headers });
  call.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  call.once('error', () => response.destroy());
  incoming.pipe(call);
}

async function push(
  port: number,
  repository: string,
  tag: string,
  platforms: Readonly<Record<string, string>>,
): Promise<Pushed> {
  const base = `http://127.0.0.1:${port}/v2/${repository}`;
  const instances: Record<string, { digest: string; config: string; size: number }> = {};
  for (const [platform, content] of Object.entries(platforms)) {
    const [os, architecture, variant] = platform.split('/');
    const created = /^\d{4}-/.test(content) ? { created: content } : {};
    const config = { os, architecture, variant, content, ...created };
    const blob = await putBlob(base, JSON.stringify(config));
    const layer = await putBlob(base, content);
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
    };
    const text = JSON.stringify(manifest);
    const digest = await putManifest(base, digestOf(text), text, manifest.mediaType);
    instances[platform] = { digest, config: blob.digest, size: text.length };
  }
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: Object.entries(instances).map(([platform, { digest, size }]) => {
      const [os, architecture, variant] = platform.split('/');
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      return { mediaType, digest, size, platform: { os, architecture, variant } };
    }),
  };
  const digest = await putManifest(base, tag, JSON.stringify(index), index.mediaType);
  return { digest, instances };
}

async function putBlob(base: string, text: string): Promise<{ digest: string; size: number }> {
  const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const url = new URL(begun.headers.get('location') ?? '', base);
  const digest = digestOf(text);
  url.searchParams.set('digest', digest);
  const ended = await fetch(url, { method: 'PUT', body: text });
  if (ended.status !== 201) throw new Error(`blob: ${ended.status} ${await ended.text()}`);
  return { digest, size: Buffer.byteLength(text) };
}

async function putManifest(
  base: string,
  name: string,
  body: string,
  type: string,
): Promise<string> {
  const headers = { 'content-type': type };
  const answer = await fetch(`${base}/manifests/${name}`, { method: 'PUT', body, headers });
  if (answer.status !== 201) throw new Error(`manifest: ${answer.status} ${await answer.text()}`);
  return digestOf(body);
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
