import type { ComposeModel } from './compose-model.ts';
import type { Container } from './observe.ts';
import { own } from './own.ts';

/** On a service: what is run in its container before it is frozen; when that fails, so does the backup. */
export const PRE_LABEL = 'orchestrator-update.backup.pre';
/** On a service: what is run in its container when it goes on. */
export const POST_LABEL = 'orchestrator-update.backup.post';
/** On a service: whose output is kept in the backup; a recipe's name or a command. */
export const DUMP_LABEL = 'orchestrator-update.backup.dump';

/** A command for the shell of a container. */
export interface Hook {
  readonly container: Container;
  readonly script: string;
}

/** A hook whose output becomes a file of the backup. */
export interface Dump extends Hook {
  /** Its name below `dumps/`. */
  readonly file: string;
  /** How one that is whole ends, where its program says nothing of one that is not. */
  readonly lastLine?: string;
}

/** What the services of a release want to have run for a backup. */
export interface Hooks {
  readonly pre: readonly Hook[];
  readonly post: readonly Hook[];
  readonly dumps: readonly Dump[];
}

interface Recipe {
  readonly extension: string;
  readonly script: string;
  readonly lastLine?: string;
}

/** A variable, or the file that the same one with `_FILE` names: the official images take both. */
const orFile = (name: string): string =>
  `[ -z "\${${name}_FILE:-}" ] || ${name}=$(cat "$${name}_FILE")`;

/** MariaDB 11 has no `mysqldump`; MySQL, and MariaDB before 10.5, have nothing else. */
const MYSQL = [
  orFile('MARIADB_ROOT_PASSWORD'),
  orFile('MYSQL_ROOT_PASSWORD'),
  'export MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-}}"',
  'dump=$(command -v mariadb-dump || echo mysqldump)',
  'exec "$dump" --user=root --all-databases --single-transaction --routines --events --triggers',
].join('\n');

/**
 * Dumps of databases, by name. Users and passwords are those that the official images are given, in the
 * environment of the container: none is in the arguments of a process.
 */
const RECIPES: Readonly<Record<string, Recipe>> = {
  postgres: {
    extension: 'sql',
    script: [
      orFile('POSTGRES_USER'),
      orFile('POSTGRES_PASSWORD'),
      'export PGPASSWORD="${POSTGRES_PASSWORD:-}"',
      'exec pg_dumpall --clean --if-exists --no-password --username="${POSTGRES_USER:-postgres}"',
    ].join('\n'),
  },
  mysql: { extension: 'sql', script: MYSQL },
  mariadb: { extension: 'sql', script: MYSQL },
  mongo: {
    extension: 'archive',
    // Not --quiet: then it does not say either why it failed.
    script: [
      orFile('MONGO_INITDB_ROOT_USERNAME'),
      orFile('MONGO_INITDB_ROOT_PASSWORD'),
      '[ -n "${MONGO_INITDB_ROOT_USERNAME:-}" ] || exec mongodump --archive',
      // Its configuration is YAML: in single quotes only those are special, and are doubled.
      String.raw`printf '%s\n' "$MONGO_INITDB_ROOT_PASSWORD" | sed "s/'/''/g; s/^/password: '/; s/\$/'/" |`,
      '  mongodump --archive --config=/dev/stdin --username="$MONGO_INITDB_ROOT_USERNAME" --authenticationDatabase=admin',
    ].join('\n'),
  },
  redis: {
    extension: 'rdb',
    // As a replica gets it: SAVE would keep all clients waiting, and fails while Redis saves by itself.
    script: [
      orFile('REDIS_PASSWORD'),
      'export REDISCLI_AUTH="${REDIS_PASSWORD:-${REDISCLI_AUTH:-}}"',
      '[ -n "$REDISCLI_AUTH" ] || unset REDISCLI_AUTH',
      'exec redis-cli --rdb -',
    ].join('\n'),
  },
};

/** How long a writer may keep its file locked. */
const SQLITE_WAIT_MS = 60_000;

/** The file of a database is the only thing that its image does not know. */
const SQLITE = /^sqlite:(\/.+)$/;

/** What is to be run, for every service with a container that runs; with several, in the first of them. */
export function hooksOf(model: ComposeModel, containers: readonly Container[]): Hooks {
  const services = Object.keys(model.services).flatMap((service) => {
    const container = containers.find((one) => one.service === service && one.state === 'running');
    const labels = (own(model.services, service)?.['labels'] ?? {}) as Record<string, string>;
    return container ? [{ service, container, labels }] : [];
  });
  const hooks = (label: string): Hook[] =>
    services.flatMap(({ container, labels }) => {
      const script = own(labels, label);
      return script === undefined ? [] : [{ container, script: asWritten(script) }];
    });
  return {
    pre: hooks(PRE_LABEL),
    post: hooks(POST_LABEL),
    dumps: services.flatMap(({ service, container, labels }) => {
      const said = own(labels, DUMP_LABEL);
      if (said === undefined) return [];
      const { extension, ...recipe } = recipeFor(asWritten(said));
      return [{ container, ...recipe, file: `${service}.${extension}` }];
    }),
  };
}

/** A resolved model has `$$` for each dollar sign. */
function asWritten(text: string): string {
  return text.replaceAll('$$', '$');
}

function recipeFor(said: string): Recipe {
  const path = SQLITE.exec(said)?.[1];
  if (path !== undefined) {
    const quoted = `'${path.replaceAll("'", String.raw`'\''`)}'`;
    const wait = `-cmd '.timeout ${SQLITE_WAIT_MS}'`;
    // Of a database that is locked, or damaged, it says so in the dump, and ends well.
    return {
      extension: 'sql',
      script: `exec sqlite3 -readonly ${wait} ${quoted} .dump`,
      lastLine: 'COMMIT;',
    };
  }
  return own(RECIPES, said) ?? { extension: 'dump', script: said };
}
