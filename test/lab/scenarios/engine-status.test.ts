import t from 'tap';
import { startInstalled } from '../installed-host.ts';
import type { EngineProbe } from '../../../src/core/engine-health.ts';
import type { EngineStatus } from '../../../src/host/engine-status.ts';

const host = await startInstalled();
t.teardown(() => host.destroy());

async function status(): Promise<{ exitCode: number; status: EngineStatus }> {
  const { exitCode, stdout } = await host.cli('engine', 'status', '--json');
  return { exitCode, status: JSON.parse(stdout) as EngineStatus };
}

const states = (probes: readonly EngineProbe[]): Record<string, string> =>
  Object.fromEntries(probes.map(({ name, state }) => [name, state]));
const detailOf = (probes: readonly EngineProbe[], name: string): string =>
  probes.find((one) => one.name === name)?.detail ?? '';
const well = { api: 'ok', container: 'ok', ports: 'ok', tasks: 'ok' };

await t.test('a healthy host: what it is made of, and nothing is left of the probes', async (t) => {
  const list =
    '(docker ps -aq; docker images -q; docker network ls -q; docker volume ls -q) | sort';
  const before = (await host.bash(list)).stdout;
  const { exitCode, status: found } = await status();
  t.equal(exitCode, 0);
  t.same(states(found.probes), well, JSON.stringify(found.probes));
  t.match(found, {
    family: 'docker.io',
    facts: { liveRestore: false, imageStore: 'docker', rootDirectory: '/var/lib/docker' },
    clients: [],
  });
  const { stdout: driver } = await host.run('docker', ['info', '--format', '{{.Driver}}']);
  t.equal(found.facts?.storageDriver, driver);
  const { stdout: installed } = await host.bash(
    "dpkg-query -W -f '${Version}' docker.io; echo; docker version -f '{{.Server.Version}} {{.Server.APIVersion}} {{.Server.MinAPIVersion}}'",
  );
  const [version = '', said = ''] = installed.split('\n');
  const dockerd = found.parts.find(({ name }) => name === 'dockerd');
  t.equal(dockerd?.package?.version, version);
  t.equal(`${dockerd?.runs} ${found.api?.newest} ${found.api?.oldest}`, said);
  t.equal((await host.bash(list)).stdout, before);

  const { stdout } = await host.cli('engine', 'status');
  t.match(stdout, /^engine\tpackages of docker\.io$/m);
  t.match(stdout, /^live-restore\toff: a restart of Docker stops every container$/m);
  t.match(stdout, /^✓ container: a new container was made/m);
});

await t.test('packages that are held, and clients of the socket', async (t) => {
  await host.run('apt-mark', ['hold', 'docker.io'], { reject: true });
  const script = `docker run -d --name client -e DOCKER_API_VERSION=1.41 -v /var/run/docker.sock:/s $(docker inspect knowledge -f '{{.Config.Image}}')
    curl -sN --unix-socket /run/docker.sock http://x/events >/dev/null 2>&1 & sleep 1`;
  await host.bash(script, { reject: true });
  const { status: found } = await status();
  t.equal(found.parts.find(({ name }) => name === 'dockerd')?.package?.isHeld, true);
  const clients = found.clients?.map(({ who, apiVersion }) => `${who} ${apiVersion}`).join('\n');
  t.match(clients, /^container client 1\.41$/m);
  t.match(clients, /^process curl \(\d+\) undefined$/m);
  await host.bash('docker rm -f client; pkill curl; apt-mark unhold docker.io');
});

await t.test('doctor warns where somebody else may upgrade Docker', async (t) => {
  t.notMatch((await host.cli('doctor')).stdout, /packages of Docker/, 'nobody does');
  // Only that it is installed counts.
  const install = `set -e
    mkdir -p /root/u/DEBIAN
    printf '%s\\n' 'Package: unattended-upgrades' 'Version: 1' 'Architecture: all' 'Maintainer: lab' 'Description: lab' >/root/u/DEBIAN/control
    dpkg-deb -b /root/u /root/u.deb; dpkg -i /root/u.deb`;
  await host.bash(install, { reject: true });
  const warned = (await host.cli('doctor')).stdout;
  t.match(warned, /⚠ packages of Docker: unattended-upgrades may upgrade docker\.io, containerd/);
  const mend = /apt-mark hold [^\n]+/.exec(warned)?.[0] ?? '';
  await host.bash(mend, { reject: true });
  t.match((await host.cli('doctor')).stdout, /✓ packages of Docker: held/);
  await host.bash(`${mend.replace('hold', 'unhold')}; dpkg -r unattended-upgrades`);
});

await t.test('what an upgrade would do, and what it must not', async (t) => {
  const offer = (version: string, more: string): Promise<unknown> => {
    const script = `set -e
      mkdir -p /root/repo/p/DEBIAN; cd /root/repo
      printf '%s\\n' 'Package: docker.io' 'Version: ${version}' 'Architecture: amd64' 'Maintainer: lab' 'Description: lab' ${more} >p/DEBIAN/control
      dpkg-deb -b p d.deb
      { dpkg-deb -f d.deb; echo 'Filename: ./d.deb'; echo "Size: $(stat -c %s d.deb)"; echo "SHA256: $(sha256sum d.deb | cut -d' ' -f1)"; } >Packages
      echo 'deb [trusted=yes] file:/root/repo ./' >/etc/apt/sources.list.d/lab.list
      apt-get update -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/lab.list -o Dir::Etc::sourceparts=-`;
    return host.bash(script, { reject: true });
  };
  await offer('99.0', '');
  const { status: good } = await status();
  const change = { name: 'docker.io', to: '99.0' };
  t.match(good.upgrade, { changes: [change], refusals: [] }, JSON.stringify(good.upgrade));
  t.equal(good.parts[0]?.package?.candidate, '99.0');
  t.match((await host.cli('engine', 'status')).stdout, /^upgrade\tdocker\.io \S+ → 99\.0$/m);
  await offer('99.1', "'Conflicts: curl'");
  const { status: bad } = await status();
  t.match(bad.upgrade?.refusals.join('\n'), /^it would remove curl/m, JSON.stringify(bad.upgrade));
  await host.bash('rm -r /root/repo /etc/apt/sources.list.d/lab.list', { reject: true });
});

await t.test('a port that nobody answers at', async (t) => {
  const image = "$(docker inspect knowledge -f '{{.Config.Image}}')";
  await host.bash(`docker run -d --name idle -p 9999:9999 ${image}`, { reject: true });
  const idle = await status();
  t.equal(idle.exitCode, 0, 'a service that does not listen is none of its business');
  t.match(detailOf(idle.status.probes, 'ports'), /^6 of 8 published ports/);
  await host.run('docker', ['rm', '-f', 'idle'], { reject: true });
  // Docker goes on saying that the container is up, and healthy.
  await host.bash('kill $(pgrep -f "[d]ocker-proxy.*host-port 8200")', { reject: true });
  const { exitCode, status: found } = await status();
  t.equal(exitCode, 1);
  t.same(states(found.probes), { ...well, ports: 'failed' });
  t.match(detailOf(found.probes, 'ports'), /0\.0\.0\.0:8200 \(knowledge\)/);
  await host.run('docker', ['restart', 'knowledge'], { reject: true });
  await host.waitHealthy();
  t.equal((await status()).exitCode, 0);
});

await t.test('what runs although Docker does not know it', async (t) => {
  const script = `set -e
    echo '{"live-restore": true}' >/etc/docker/daemon.json; systemctl reload docker; sleep 1
    id=$(docker inspect knowledge -f '{{.Id}}'); echo $id
    cp /var/lib/docker/containers/$id/config.v2.json /root/; : >/var/lib/docker/containers/$id/config.v2.json
    systemctl restart docker`;
  const { stdout: id } = await host.bash(script, { reject: true });
  const { exitCode, status: found } = await status();
  t.equal(exitCode, 1);
  t.match(states(found.probes), { api: 'ok', container: 'ok', tasks: 'failed' });
  t.match(detailOf(found.probes, 'tasks'), new RegExp(`${id.slice(0, 12)} \\(process \\d+\\)`));
  t.equal(found.facts?.liveRestore, true);
  const mend = `ctr -n moby tasks kill -s KILL ${id}; sleep 1; ctr -n moby tasks rm -f ${id}; ctr -n moby containers rm ${id}
    cp /root/config.v2.json /var/lib/docker/containers/${id}/
    systemctl reset-failed docker; systemctl restart docker && docker start knowledge`;
  await host.bash(mend);
  await host.waitHealthy();
  const mended = await status();
  t.equal(mended.exitCode, 0, JSON.stringify(mended.status.probes));
});

await t.test('a Docker that does not answer', async (t) => {
  await host.bash('kill -STOP $(pidof dockerd)', { reject: true });
  const hung = await status();
  t.equal(hung.exitCode, 1);
  const unknown = { api: 'failed', container: 'unknown', ports: 'unknown', tasks: 'unknown' };
  t.same(states(hung.status.probes), unknown);
  t.equal(hung.status.parts[0]?.package?.name, 'docker.io', 'the packages are told all the same');
  await host.bash('kill -CONT $(pidof dockerd)', { reject: true });

  const refuse =
    'systemctl stop docker.socket docker; for i in 1 2 3 4 5; do systemctl start docker; systemctl stop docker.socket docker; done';
  await host.bash(refuse);
  const { stdout } = await host.cli('engine', 'status');
  t.match(stdout, /^docker\.service\tfailed \(start-limit-hit\); systemctl reset-failed/m);
  t.match(stdout, /^API\tdoes not answer$/m);
});

await t.test('an unknown verb changes nothing', async (t) => {
  const { exitCode, stderr } = await host.cli('engine', 'upgrad');
  t.equal(exitCode, 2);
  t.match(stderr, /unknown verb: engine upgrad/);
});
