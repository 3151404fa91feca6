/** One way in which an engine is broken on purpose. */
export interface EngineFault {
  readonly title: string;
  /** Shell, as root. */
  readonly breakIt: string;
  /** Those that mend it, in their order. */
  readonly rungs: readonly number[];
  /** How high a person has allowed it; as by default if left out. */
  readonly maxRung?: number;
  /** Shell that removes what was only there to break it. */
  readonly after?: string;
  /** A file that nobody may write to any more. */
  readonly quiet?: string;
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

const CLI = '/usr/local/sbin/orchestrator-update';
const STOP = 'systemctl stop docker.socket docker containerd';
/** Also what would run on without Docker. */
const END = `docker stop --time 1 $(docker ps --quiet); ${STOP}`;
const START =
  'systemctl reset-failed docker containerd; systemctl start containerd docker.socket docker || true';
const ROOT = '/var/lib/docker';
const DATA = `${ROOT}/volumes/autonomy_knowledge_data/_data`;
/** The oldest backup is large, and nothing is left, root's own share included. */
const FILL = `${CLI} backup create; cd /home/geo/operation/backups
  fallocate -l 1200M $(ls -d 2* | head -n 1)/ballast
  fallocate -l "$(df --output=avail -B1 / | tail -n 1)" /var/tmp/fill; dd if=/dev/zero of=/var/tmp/rest bs=4k 2>/dev/null`;
const WRITES = `docker exec -d knowledge /bin/busybox sh -c 'while :; do echo x >>$DATA/writer; /bin/busybox sleep 0.1; done'`;
const SECOND =
  'cd /home/geo/operation/autonomy && docker compose --project-name autonomy up --detach --no-deps knowledge';
const NEW_SHIM = `printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
  dpkg -i /srv/engine-packages/unstable/containerd_*.deb /srv/engine-packages/unstable/runc_*.deb; rm /usr/sbin/policy-rc.d`;

const faults = {
  full: {
    title: 'the disk is full, of old backups for the most part',
    breakIt: FILL,
    rungs: [0],
    after: 'rm -f /var/tmp/fill /var/tmp/rest',
  },
  rootLost: {
    title: 'all that Docker keeps is gone, but the volumes',
    breakIt: `${END}; cd ${ROOT} && ls | grep -vx volumes | xargs rm -rf; ${START}`,
    rungs: [1],
  },
  stopped: {
    title: 'dockerd is stopped',
    breakIt: 'systemctl stop docker.socket docker',
    rungs: [2],
  },
  killed: {
    title: 'dockerd is killed again and again, until systemd gives up',
    breakIt: 'for i in 1 2 3 4; do systemctl kill --signal=KILL docker; sleep 4; done',
    rungs: [2],
  },
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
  writes: {
    title: 'the same, it still writes, and its service was started a second time',
    breakIt: `${WRITES}; ${LOSES}; ${SECOND}`,
    rungs: [8],
    quiet: `${DATA}/writer`,
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
  rootBroken: {
    title: 'what Docker keeps of its images is garbage',
    breakIt: `${END}; rm -rf ${ROOT}/image; echo garbage >${ROOT}/image; ${START}`,
    rungs: [2, 16, 1],
    maxRung: 16,
  },
  program: {
    title: 'the program dockerd is empty',
    breakIt: `${STOP}; : >/usr/sbin/dockerd; ${START}`,
    rungs: [2, 17],
    maxRung: 17,
  },
  allLost: {
    title: 'all that Docker keeps is gone, the volumes, too',
    breakIt: `set -e; ${CLI} backup create; ${END}; find ${ROOT} -mindepth 1 -delete; ${START}`,
    rungs: [18],
    maxRung: 18,
  },
  newShim: {
    title: 'a newer containerd is on the disk than the one that runs',
    breakIt: NEW_SHIM,
    rungs: [6],
  },
} as const satisfies Readonly<Record<string, EngineFault>>;

/** By name, in the order of the ladder. */
export const engineFaults: Readonly<Record<keyof typeof faults, EngineFault>> = faults;
