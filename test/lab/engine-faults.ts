/** One way in which an engine is broken on purpose. */
export interface EngineFault {
  readonly title: string;
  /** Shell, as root. */
  readonly breakIt: string;
  /** Those that mend it, in their order. */
  readonly rungs: readonly number[];
}

const STARTS =
  'for i in 1 2 3 4 5; do systemctl start docker; systemctl stop docker.socket docker; done';
const LOSES = `set -e
  echo '{"live-restore": true, "insecure-registries": ["registry.lab:5000"]}' >/etc/docker/daemon.json
  systemctl reload docker; sleep 1
  : >/var/lib/docker/containers/$(docker inspect knowledge -f '{{.Id}}')/config.v2.json
  systemctl reset-failed docker; systemctl restart docker`;
const HALF =
  "sed -i '/^Package: docker-cli$/,/^$/s/^Status: .*/Status: install ok unpacked/' /var/lib/dpkg/status";

function garbage(file: string): string {
  return `systemctl stop docker.socket docker containerd; head -c 65536 /dev/urandom >${file}
    systemctl reset-failed docker containerd; systemctl start containerd docker.socket docker`;
}

const faults = {
  refused: {
    title: 'dockerd stopped, and started too often: systemd refuses another start',
    breakIt: `systemctl stop docker.socket docker; ${STARTS}`,
    rungs: [2],
  },
  config: {
    title: '`daemon.json` is no JSON',
    breakIt: "echo '{ broken' >/etc/docker/daemon.json; systemctl restart docker",
    rungs: [3],
  },
  noSocket: { title: 'the socket is missing', breakIt: 'rm /run/docker.sock', rungs: [4] },
  directory: {
    title: 'a directory in the place of the socket',
    breakIt: 'systemctl stop docker.socket docker; rm -f /run/docker.sock; mkdir /run/docker.sock',
    rungs: [4],
  },
  hangs: { title: 'dockerd hangs', breakIt: 'kill -STOP $(pidof dockerd)', rungs: [5] },
  containerdHangs: {
    title: 'containerd hangs',
    breakIt: 'kill -STOP $(pidof containerd)',
    rungs: [6],
  },
  port: {
    title: 'nobody serves a published port',
    breakIt: 'kill $(pgrep -f "[d]ocker-proxy.*host-port 8200")',
    rungs: [7],
  },
  lost: {
    title:
      'the configuration of a container is empty: its process runs on, and Docker does not know it',
    breakIt: LOSES,
    rungs: [8],
  },
  networks: {
    title: 'the database of networks is garbage',
    breakIt: garbage('/var/lib/docker/network/files/local-kv.db'),
    rungs: [9],
  },
  volumes: {
    title: 'the list of volumes is garbage',
    breakIt: garbage('/var/lib/docker/volumes/metadata.db'),
    rungs: [10],
  },
  containerd: {
    title: 'the database of containerd is garbage',
    breakIt: garbage('/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db'),
    rungs: [12],
  },
  half: { title: 'a package is half installed', breakIt: HALF, rungs: [13] },
} as const satisfies Readonly<Record<string, EngineFault>>;

/** By name, in the order of the ladder. */
export const engineFaults: Readonly<Record<keyof typeof faults, EngineFault>> = faults;
