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
}

/**
 * Dumps of databases, by name. Users and passwords are those that the official images are given, in the
 * environment of the container: none is in the arguments of a process.
 */
const RECIPES: Readonly<Record<string, Recipe>> = {
  postgres: {
    extension: 'sql',
    script: 'exec pg_dumpall --clean --if-exists --username="${POSTGRES_USER:-postgres}"',
  },
  mysql: {
    extension: 'sql',
    script:
      'MYSQL_PWD="${MYSQL_ROOT_PASSWORD:-}" exec mysqldump --user=root --all-databases --single-transaction --routines --events --triggers',
  },
  mariadb: {
    extension: 'sql',
    script:
      'MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-}}" exec mariadb-dump --user=root --all-databases --single-transaction --routines --events --triggers',
  },
  mongo: {
    extension: 'archive',
    script: [
      'if [ -n "${MONGO_INITDB_ROOT_USERNAME:-}" ]; then',
      String.raw`printf 'password: "%s"\n' "$MONGO_INITDB_ROOT_PASSWORD" | mongodump --quiet --archive --config=/dev/stdin --username="$MONGO_INITDB_ROOT_USERNAME" --authenticationDatabase=admin`,
      'else mongodump --quiet --archive; fi',
    ].join('\n'),
  },
  redis: {
    extension: 'rdb',
    script: [
      'export REDISCLI_AUTH="${REDIS_PASSWORD:-${REDISCLI_AUTH:-}}"',
      '[ -n "$REDISCLI_AUTH" ] || unset REDISCLI_AUTH',
      'said=$(redis-cli SAVE) && [ "$said" = OK ] || { echo "$said" >&2; exit 1; }',
      'dir=$(redis-cli CONFIG GET dir | tail -n 1)',
      'file=$(redis-cli CONFIG GET dbfilename | tail -n 1)',
      'exec cat "$dir/$file"',
    ].join('\n'),
  },
};

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
      const { extension, script } = recipeFor(asWritten(said));
      return [{ container, script, file: `${service}.${extension}` }];
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
    return { extension: 'sql', script: `exec sqlite3 -readonly ${quoted} .dump` };
  }
  return own(RECIPES, said) ?? { extension: 'dump', script: said };
}
