import type { Config } from '../config/schema.ts';
import { onlyServices, type ComposeModel } from '../core/compose-model.ts';
import {
  dependentsOf,
  ownServices,
  withoutServices,
  type OwnContainer,
} from '../core/own-service.ts';
import { RefusedError } from '../errors.ts';
import type { ComposeHost, Resolved } from './host.ts';

/** What is asked of docker compose about the service that this program itself runs in. */
interface Asking {
  readonly own: OwnContainer;
  readonly config: Pick<Config, 'project_name' | 'project_dir'>;
  readonly hashes: ComposeHost['hashes'];
}

/**
 * A release without the service that this program itself runs in: nothing of a run may replace, stop, freeze or remove
 * it. That it is left as it is, although the release has it otherwise, is a warning.
 *
 * @throws {RefusedError} where another service cannot be had without it
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
  const warning = await warningOf(resolved.model, names, asking);
  return {
    ...resolved,
    model: names.length > 0 ? withoutServices(resolved.model, names) : resolved.model,
    warnings: warning === undefined ? resolved.warnings : [...resolved.warnings, warning],
  };
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
