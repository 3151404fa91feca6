import { dumpRecipes } from './database-dumps.ts';
import { databaseImage, type DatabaseKind, databaseKinds } from './database-images.ts';
import { composeFile, type ServiceChange } from './cluster.ts';
import { poll } from './command.ts';
import type { LabHost } from './lab-host.ts';

/** User, database and password of the databases that have such. */
export const databaseLogin = { user: 'autonomy', database: 'autonomy', password: 'lab-secret' };

const directories: Record<DatabaseKind, string> = {
  postgres: '/var/lib/postgresql/data',
  mariadb: '/var/lib/mysql',
  redis: '/var/lib/redis',
  sqlite: '/var/lib/sqlite',
};

/** Named as in the images most people use. */
const environments: Record<DatabaseKind, Record<string, string>> = {
  postgres: {
    POSTGRES_USER: databaseLogin.user,
    POSTGRES_PASSWORD: databaseLogin.password,
    POSTGRES_DB: databaseLogin.database,
  },
  mariadb: {
    MARIADB_USER: databaseLogin.user,
    MARIADB_PASSWORD: databaseLogin.password,
    MARIADB_DATABASE: databaseLogin.database,
  },
  redis: { REDIS_PASSWORD: databaseLogin.password },
  sqlite: {},
};

/** Name of the Docker volume with a database's files. */
export const databaseVolume = (kind: DatabaseKind): string => `autonomy_${kind}_data`;

/** Directory of a database's volume on the host. */
export const databaseDirectory = (kind: DatabaseKind): string =>
  `/var/lib/docker/volumes/${databaseVolume(kind)}/_data`;

export type DatabaseOptions = {
  /**
   * Let every commit wait for the disk, for a host whose unsynced writes get lost. False unless told: it makes the writers
   * several times slower, and a copy of what they write less often a bad one.
   */
  durable?: boolean;
  /** Have a backup dump each of them. False unless told: that takes some seconds. */
  dumps?: boolean;
};

/**
 * The database services, for `composeFile` or `pushCluster`. Each makes its database when its volume is empty, and writes
 * to it without an end; healthy means that it goes on committing. Publish their images first.
 */
export function databaseServices(
  options: DatabaseOptions = {},
): Record<DatabaseKind, ServiceChange> {
  const durable = options.durable === true ? { DURABLE: '1' } : {};
  const labels = (kind: DatabaseKind): Record<string, string> =>
    options.dumps === true ? { 'orchestrator-update.backup.dump': dumpRecipes[kind] } : {};
  const service = (kind: DatabaseKind): ServiceChange => ({
    image: databaseImage(kind),
    port: 0,
    hostPort: null,
    healthcheck: {
      test: ['CMD', '/bank/healthy.sh'],
      interval: '2s',
      timeout: '5s',
      retries: 3,
      start_period: '60s',
      start_interval: '500ms',
    },
    extra: {
      environment: { ...environments[kind], ...durable },
      volumes: [`${kind}_data:${directories[kind]}`],
      stop_grace_period: '30s',
      labels: labels(kind),
    },
  });
  return {
    postgres: service('postgres'),
    mariadb: service('mariadb'),
    redis: service('redis'),
    sqlite: service('sqlite'),
  };
}

/** The compose file of a cluster that is nothing but the databases. */
export function databaseComposeFile(options: DatabaseOptions = {}): string {
  const none = { orchestrator: null, neurosync_s1: null, knowledge: null };
  return composeFile({ services: { ...none, ...databaseServices(options) } });
}

/** How many transactions the writers of a running database have committed since it was first made. */
export async function writtenTransactions(host: LabHost, kind: DatabaseKind): Promise<number> {
  const script = 'cat /run/bank/progress-*';
  const { stdout } = await host.run('docker', ['exec', kind, 'sh', '-c', script], { reject: true });
  return stdout.split('\n').reduce((sum, line) => sum + Number(line), 0);
}

/** Waits until every database commits; throws, with what they said, when the time is up. */
export async function waitWriting(host: LabHost, timeoutSeconds = 90): Promise<void> {
  const healthy = async (): Promise<boolean> => {
    const containers = await host.containers();
    return databaseKinds.every((kind) =>
      containers.some(({ service, health }) => service === kind && health === 'healthy'),
    );
  };
  const done = await poll(async () => ((await healthy()) ? true : undefined), {
    timeoutSeconds,
    stepMs: 300,
  });
  if (done !== undefined) return;
  const logs = databaseKinds.map((kind) => `docker logs --tail 5 ${kind}`).join('; ');
  const { stdout } = await host.bash(`docker ps -a; { ${logs}; } 2>&1`);
  throw new Error(
    `${host.name}: the databases do not all write after ${timeoutSeconds} s\n${stdout}`,
  );
}
