import t from 'tap';
import { clientContainers, clientProcesses } from '../../../src/core/engine-clients.ts';
import {
  isHealthy,
  isListeningAt,
  orphansIn,
  reachedAt,
  shimTasksIn,
  tasksIn,
  unservedPorts,
  type Reached,
} from '../../../src/core/engine-health.ts';
import { archiveOf, probeProgram } from '../../../src/core/probe-program.ts';
import { versionIn } from '../../../src/core/version.ts';

const shim = (namespace: string, address: string): string[] => {
  const program = '/usr/bin/containerd-shim-runc-v2';
  return [program, '-namespace', namespace, '-id', 'ddd', '-address', address, ''];
};

await t.test('tasks that Docker does not know', async (t) => {
  const tasks = tasksIn(
    'TASK    PID     STATUS    \naaa     1024    RUNNING\nbbb     1100    STOPPED\nccc  7  PAUSED\n',
  );
  t.same(
    tasks.map(({ id, pid }) => [id, pid]),
    [
      ['aaa', 1024],
      ['bbb', 1100],
      ['ccc', 7],
    ],
  );
  t.same(
    orphansIn(tasks, new Set(['aaa'])).map(({ id }) => id),
    ['ccc'],
  );
  t.same(tasksIn(''), []);
  const socket = '/run/containerd/containerd.sock';
  const processes = [
    { pid: 9, words: shim('moby', socket) },
    { pid: 10, words: shim('k8s.io', socket) },
    { pid: 12, words: shim('moby', '/var/run/docker/containerd/containerd.sock') },
    { pid: 11, words: ['grep', '-namespace', 'moby', '-id', 'x'] },
  ];
  t.same(shimTasksIn(processes), [{ id: 'ddd', pid: 9, status: 'RUNNING' }]);
});

await t.test('where a published port is asked for', async (t) => {
  t.same(reachedAt({ address: '0.0.0.0', port: 80 }), { host: '127.0.0.1', port: 80 });
  t.same(reachedAt({ address: '::', port: 80 }), { host: '::1', port: 80 });
  t.same(reachedAt({ address: '10.0.0.5', port: 80 }), { host: '10.0.0.5', port: 80 });
});

await t.test('a port that Docker does not serve, and a service that does not', async (t) => {
  const port = {
    address: '',
    port: 80,
    container: 'web',
    inside: { address: '172.17.0.2', port: 80 },
  };
  const unserved = (fromHost: Reached, direct: Reached, isListening = true): number =>
    unservedPorts([{ port, fromHost, direct, isListening }]).length;
  t.equal(unserved('open', 'open'), 0);
  t.equal(unserved('refused', 'open'), 1, 'no docker-proxy, no rule');
  t.equal(unserved('closed', 'refused'), 1, 'a network that is broken');
  t.equal(unserved('closed', 'closed'), 0, 'it ends every connection');
  t.equal(unserved('closed', 'refused', false), 0, 'it has not started to listen');
  const table = [
    '  sl  local_address rem_address   st tx_queue',
    '   0: 00000000:1F90 00000000:0000 0A 00000000',
    '   1: 0100007F:0050 0100007F:ABCD 01 00000000',
    '   2: 0100007F:1F91 00000000:0000 0A 00000000',
  ].join('\n');
  t.same(
    [8080, 80, 8081].map((at) => isListeningAt(table, at)),
    [true, false, false],
  );
});

await t.test('what could not be asked is no failure', async (t) => {
  const probe = { name: 'tasks', detail: '', seconds: 0 } as const;
  t.ok(
    isHealthy([
      { ...probe, state: 'unknown' },
      { ...probe, state: 'ok' },
    ]),
  );
  t.notOk(isHealthy([{ ...probe, state: 'failed' }]));
});

await t.test('who has the socket of the engine', async (t) => {
  const base = { environment: [], mounted: [] };
  const containers = [
    { ...base, name: 'traefik', image: 'traefik:v3', mounted: ['/var/run/docker.sock'] },
    { ...base, name: 'tower', image: 'containrrr/watchtower:1.7', mounted: ['/run/docker.sock'] },
    {
      ...base,
      name: 'told',
      image: 'x',
      mounted: ['/run'],
      environment: ['DOCKER_API_VERSION=1.41'],
    },
    { ...base, name: 'web', image: 'nginx', mounted: ['/srv/run', '/run/docker'] },
  ];
  const sockets = ['/var/run/docker.sock', '/run/docker.sock'];
  t.same(clientContainers(containers, sockets), [
    { who: 'container traefik', apiVersion: undefined },
    { who: 'container tower', apiVersion: '1.25' },
    { who: 'container told', apiVersion: '1.41' },
  ]);
  const lines = [
    'u_str ESTAB 0      0      /run/docker.sock 100  * 200 users:(("dockerd",pid=50,fd=9))',
    'u_str ESTAB 0      0                     * 200  * 100 users:(("telegraf",pid=60,fd=3))',
    'u_str ESTAB 0      0      /run/docker.sock 101  * 201 users:(("dockerd",pid=50,fd=10))',
    'u_str ESTAB 0      0                     * 201  * 101 users:(("node",pid=70,fd=3))',
    'u_str ESTAB 0      0      /run/dbus/system 300  * 301 users:(("dbus",pid=2,fd=3))',
  ];
  t.same(clientProcesses(lines.join('\n'), sockets, 70), [
    { who: 'process telegraf (60)', apiVersion: undefined },
  ]);
});

await t.test('a program that waits, and one that ends', async (t) => {
  for (const architecture of ['amd64', 'arm64']) {
    const program = probeProgram(architecture);
    t.equal(program?.subarray(0, 4).toString('latin1'), '\x7fELF');
    t.equal(program?.readBigUInt64LE(96), BigInt(program?.length ?? 0), 'all of it is loaded');
  }
  t.equal(probeProgram('riscv64'), undefined);
  const archive = archiveOf('probe', Buffer.from('content'));
  t.equal(archive.length, 4 * 512);
  t.equal(archive.toString('latin1', 257, 262), 'ustar');
});

await t.test('versions in what programs say of themselves', async (t) => {
  t.equal(versionIn('Docker version 26.1.5+dfsg1, build 411e817'), '26.1.5+dfsg1');
  t.equal(versionIn('github.com/docker/buildx 0.13.1+ds1 0.13.1'), '0.13.1+ds1');
  t.equal(versionIn('2.26.1-4'), '2.26.1-4');
  t.equal(versionIn('nothing'), undefined);
});
