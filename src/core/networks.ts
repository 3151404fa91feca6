import { sameValue } from './canonical-json.ts';
import type { ComposeModel, NetworkModel, Service } from './compose-model.ts';
import type { Container } from './observe.ts';

/** `service → network` for every attachment that the model asks for and a container lacks. */
export function networksMissing(model: ComposeModel, containers: readonly Container[]): string[] {
  return containers.flatMap((container) => {
    const service = model.services[container.service];
    if (!service || container.state !== 'running') return [];
    return networksOf(model, service)
      .filter((network) => !container.networks.includes(network))
      .map((network) => `${container.service} → ${network}`);
  });
}

/** The networks a service is attached to, by their names in the model. */
export function networkKeys(service: Service): string[] {
  return service.network_mode === undefined ? Object.keys(service.networks ?? {}) : [];
}

/**
 * Docker's names of the networks, of these, that another release has otherwise: docker compose takes each away, which it
 * cannot while a container that it leaves alone is on it, and makes it anew.
 */
export function networksChanged(
  names: readonly string[],
  before: ComposeModel,
  after: ComposeModel,
): string[] {
  const [old, changed] = [networksByName(before), networksByName(after)];
  return names.filter((name) => {
    const [was, is] = [old.get(name), changed.get(name)];
    if (was === undefined || is === undefined || is?.external === true) return false;
    return !sameValue(was, is);
  });
}

function networksByName(model: ComposeModel): ReadonlyMap<string, NetworkModel | null> {
  const all = Object.entries(model.networks ?? {});
  return new Map(all.map(([key, one]) => [one?.name ?? `${model.name ?? ''}_${key}`, one]));
}

/** Docker's names of the networks a service is attached to. */
function networksOf(model: ComposeModel, service: Service): string[] {
  return networkKeys(service).map(
    (key) => model.networks?.[key]?.name ?? `${model.name ?? ''}_${key}`,
  );
}
