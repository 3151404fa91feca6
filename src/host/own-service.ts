import type { Config } from '../config/schema.ts';
import { onlyServices, type ComposeModel } from '../core/compose-model.ts';
import {
  dependentsOf,
  ownServices,
  withoutServices,
  type OwnContainer,
} from '../core/own-service.ts';
import { networksChanged } from '../core/networks.ts';
import { RefusedError } from '../errors.ts';
import type { ComposeHost, Resolved } from './host.ts';

/** What is asked of docker compose about the service that this program itself runs in. */
interface Asking {
  readonly own: OwnContainer;
  readonly config: Pick<Config, 'project_name' | 'project_dir'>;
  readonly hashes: ComposeHost['hashes'];
  /** The model of what lies at the live place. */
  readonly live: () => Promise<ComposeModel>;
}

/**
 * A release without the service that this program itself runs in: nothing of a run may replace, stop, freeze or remove
 * it. That it is left as it is, although the release has it otherwise, is a warning.
 *
 * @throws {RefusedError} where another service cannot be had without it, or a network cannot be changed that it is on
 */
export async function leaveOwnOut(resolved: Resolved, asking: Asking): Promise<Resolved> {
  const names = ownServices(resolved.model, asking.config.project_name, asking.own);
  const others = dependentsOf(resolved.model, names);
  if (others.length > 0) {
    throw new RefusedError(
      `service ${others.join(', ')} depends on ${names.join(', ')}, the update manager that this runs in, which is left out of its own runs`,
      'take that out of `depends_on`, or update from the host: orchestrator-update run',
    );
  }
  await refuseNetworks(resolved.model, asking);
  const warning = await warningOf(resolved.model, names, asking);
  return {
    ...resolved,
    model: names.length > 0 ? withoutServices(resolved.model, names) : resolved.model,
    warnings: warning === undefined ? resolved.warnings : [...resolved.warnings, warning],
  };
}

/** The networks of Docker's that are in no release. */
const DOCKERS_OWN: ReadonlySet<string> = new Set(['bridge', 'host', 'none']);

/** Of what cannot be had while it goes on, all would be rolled back. */
async function refuseNetworks(model: ComposeModel, { own, live }: Asking): Promise<void> {
  const names = own.networks.filter((name) => !DOCKERS_OWN.has(name));
  if (names.length === 0) return;
  // What cannot be read at the live place is not what the release would change.
  const before = await live().catch(() => undefined);
  const changed = before === undefined ? [] : networksChanged(names, before, model);
  if (changed.length === 0) return;
  const are = changed.length === 1 ? 'network' : 'networks';
  throw new RefusedError(
    `the release changes the ${are} ${changed.join(', ')}, which the update manager is on that this runs in: docker compose cannot take that away while it runs`,
    'update from the host: sudo orchestrator-update run    # or in its own service: network_mode: host',
  );
}

/** How what runs differs from what the release has. */
async function warningOf(
  model: ComposeModel,
  names: readonly string[],
  { own, config, hashes }: Asking,
): Promise<string | undefined> {
  const { project_name: project, project_dir: directory } = config;
  const [name] = names;
  if (name === undefined) {
    if (own.project !== project) return undefined;
    return `the release has no service ${own.service}, the update manager that this runs in: it goes on; to be rid of it, on the host: docker rm --force ${own.name}`;
  }
  if (own.project !== project || own.service !== name) {
    return `service ${name} wants the name ${own.name}, which the update manager has that this runs in: it is left out; on the host: docker rm --force ${own.name}, then cd ${directory} && docker compose up -d ${name}`;
  }
  const known = await hashes(onlyServices(model, [name]));
  if (known[name] === own.configHash) return undefined;
  return `service ${name} is the update manager that this runs in, and is left as it is, although the release has other settings for it; afterwards, on the host: cd ${directory} && docker compose up -d ${name}`;
}
