import { parseImageReference } from './image-reference.ts';

/** Names of images whose data another major version may not read, by family. */
const families: Readonly<Record<string, readonly string[]>> = {
  postgres: ['postgres', 'postgresql', 'postgis', 'pgvector', 'timescaledb', 'timescaledb-ha'],
  mysql: ['mysql', 'mysql-server', 'percona', 'percona-server'],
  mariadb: ['mariadb'],
  mongo: ['mongo', 'mongodb', 'mongodb-community-server'],
  redis: ['redis', 'redis-stack', 'redis-stack-server'],
  valkey: ['valkey'],
  elasticsearch: ['elasticsearch'],
  opensearch: ['opensearch'],
  cassandra: ['cassandra', 'scylla'],
  influxdb: ['influxdb'],
  neo4j: ['neo4j'],
  couchdb: ['couchdb'],
  clickhouse: ['clickhouse', 'clickhouse-server'],
  cockroachdb: ['cockroach'],
  rabbitmq: ['rabbitmq'],
  etcd: ['etcd'],
};

interface DatabaseImage {
  readonly family: string;
  /** The numbers the tag begins with; undefined where it begins with none (`latest`). */
  readonly numbers: readonly number[] | undefined;
}

/** The database an image is known to be; undefined for any other image. */
export function databaseOf(reference: string | undefined): DatabaseImage | undefined {
  if (reference === undefined) return undefined;
  const { name, tag } = parseImageReference(reference);
  const last = name.slice(name.lastIndexOf('/') + 1);
  const family = Object.keys(families).find((one) => families[one]?.includes(last));
  if (family === undefined) return undefined;
  // `pg16` is how pgvector and timescale name PostgreSQL's version.
  const found = /^(?:.*\bpg|v)?(\d+(?:\.\d+)*)/.exec(tag ?? '');
  return { family, numbers: found?.[1]?.split('.').map(Number) };
}

/**
 * Why the data of one database image may not be read by another; undefined where it can be. The
 * major version is the first number of the tag; before PostgreSQL 10 it was the first two. Going
 * back by any version is never safe.
 */
export function databaseDanger(
  from: string | undefined,
  to: string | undefined,
): string | undefined {
  const [old, now] = [databaseOf(from), databaseOf(to)];
  if (!old || from === to) return undefined;
  if (!now) return `database image ${from ?? ''} becomes ${to ?? 'none'}`;
  if (old.family !== now.family) return `database changes from ${old.family} to ${now.family}`;
  if (!old.numbers || !now.numbers) {
    const [oldTag, nowTag] = [from, to].map((one) => parseImageReference(one ?? '').tag);
    return oldTag === nowTag ? undefined : `version of ${now.family} is not known: ${from} → ${to}`;
  }
  const [was, is] = [majorOf(old.family, old.numbers), majorOf(now.family, now.numbers)];
  if (was !== is) return `major version of ${now.family} changes: ${was} → ${is}`;
  return isBefore(now.numbers, old.numbers)
    ? `version of ${now.family} goes back: ${from} → ${to}`
    : undefined;
}

function majorOf(family: string, numbers: readonly number[]): string {
  const [first = 0, second = 0] = numbers;
  return family === 'postgres' && first < 10 ? `${first}.${second}` : String(first);
}

/** Numbers that one of them does not have do not count: `16` is no version before `16.4`. */
function isBefore(now: readonly number[], old: readonly number[]): boolean {
  for (let index = 0; index < Math.min(now.length, old.length); index++) {
    const difference = (now[index] ?? 0) - (old[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
