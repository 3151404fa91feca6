import { readFile } from 'node:fs/promises';
import { poll } from './command.ts';
import type { LabHost } from './lab-host.ts';
import { filesDir } from './paths.ts';

/** Where the host's own registry is: Docker takes plain HTTP from localhost. */
export const privateRegistry = 'localhost:5600';
/** The one user it lets in. */
export const login = { username: 'geo', password: 'lab-secret' };
/** It answers at most this fast. */
const BYTES_PER_SECOND = 6_000_000;
const UPSTREAM_PORT = 5601;
/** bcrypt of the password: the only hash the registry takes. */
const HASH = '$2y$05$abcdefghijklmnopqrstuu';

const registryConfig = [
  'version: 0.1',
  'log: {level: warn}',
  'storage: {filesystem: {rootdirectory: /var/lib/private-registry}}',
  `http: {addr: 127.0.0.1:${UPSTREAM_PORT}}`,
  'auth: {htpasswd: {realm: lab, path: /etc/private-registry.users}}',
].join('\n');

/** Starts a registry on the host that asks for a password and answers slowly. */
export async function startPrivateRegistry(host: LabHost): Promise<void> {
  await host.writeFile('/etc/private-registry.yml', registryConfig);
  const crypt = 'print crypt($ARGV[0], $ARGV[1])';
  const args = ['-e', crypt, login.password, HASH];
  const { stdout: hash } = await host.run('perl', args, { reject: true });
  await host.writeFile('/etc/private-registry.users', `${login.username}:${hash}\n`);
  const proxy = await readFile(`${filesDir}/slow-proxy.py`, 'utf8');
  await host.writeFile('/usr/local/bin/slow-proxy', proxy, { mode: '0755' });
  const [, port = ''] = privateRegistry.split(':');
  const rate = String(BYTES_PER_SECOND);
  for (const command of [
    ['docker-registry', 'serve', '/etc/private-registry.yml'],
    ['/usr/local/bin/slow-proxy', port, String(UPSTREAM_PORT), rate],
  ]) {
    await host.run('systemd-run', ['--quiet', ...command], { reject: true });
  }
  const url = `http://${privateRegistry}/v2/`;
  const up = await poll(
    async () => {
      const { stdout } = await host.run('curl', ['-s', '-o/dev/null', '-w%{http_code}', url]);
      return stdout === '401' ? true : undefined;
    },
    { timeoutSeconds: 20, stepMs: 200 },
  );
  if (up === undefined) throw new Error('the private registry does not answer');
}

/**
 * Pushes an image of the orchestrator to it, `megabytes` bigger than the one at registry.lab, and
 * leaves neither image nor login on the host. Returns its reference.
 */
export async function pushPrivately(
  host: LabHost,
  version: string,
  megabytes: number,
): Promise<string> {
  const reference = `${privateRegistry}/orchestrator:${version}`;
  const from = `registry.lab:5000/orchestrator:${version}`;
  const lines = [
    'set -e',
    'export DOCKER_CONFIG=$(mktemp -d)',
    'cd "$DOCKER_CONFIG"',
    `head -c ${megabytes}M /dev/urandom >ballast`,
    `printf 'FROM ${from}\\nCOPY ballast /ballast\\n' >Dockerfile`,
    `docker build -q -t ${reference} .`,
    `echo ${login.password} | docker login -u ${login.username} --password-stdin ${privateRegistry}`,
    `docker push -q ${reference}`,
    `docker image rm ${reference}`,
    'docker builder prune --all --force',
  ];
  await host.bash(lines.join('\n'), { reject: true, timeoutSeconds: 120 });
  return reference;
}

/** Lets the registry fall silent in the middle of what it sends, or go on. */
export async function stall(host: LabHost, on: boolean): Promise<void> {
  const flag = '/run/slow-proxy.stalled';
  await host.run(on ? 'touch' : 'rm', [flag], { reject: true });
}
