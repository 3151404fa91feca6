import type { ComposeModel, Service } from './compose-model.ts';
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

/** Docker's names of the networks a service is attached to. */
function networksOf(model: ComposeModel, service: Service): string[] {
  return networkKeys(service).map(
    (key) => model.networks?.[key]?.name ?? `${model.name ?? ''}_${key}`,
  );
}
