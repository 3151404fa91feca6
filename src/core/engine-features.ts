import type { Service } from './compose-model.ts';
import { atLeast } from './version.ts';

/** Something a compose file can ask for that older engines do not know. */
interface Feature {
  readonly what: string;
  /** The first version of the Engine API that has it, and the engine that brought that. */
  readonly since: { readonly api: string; readonly engine: string };
  readonly isUsed: (service: Service) => boolean;
}

interface RawMount {
  readonly type?: string;
  readonly volume?: { readonly subpath?: string } | null;
}

const mounts = ({ volumes }: Service): readonly RawMount[] =>
  Array.isArray(volumes) ? (volumes as RawMount[]) : [];

/** As compose 2.40 itself refuses them while it makes the container: when the old one is gone. */
const features: readonly Feature[] = [
  {
    what: 'healthcheck.start_interval',
    since: { api: '1.44', engine: '25' },
    isUsed: ({ healthcheck }) =>
      ((healthcheck ?? {}) as { start_interval?: string }).start_interval !== undefined,
  },
  {
    what: 'a subpath of a volume',
    since: { api: '1.45', engine: '26' },
    isUsed: (service) => mounts(service).some(({ volume }) => (volume?.subpath ?? '') !== ''),
  },
  {
    what: 'a mount of an image',
    since: { api: '1.48', engine: '28' },
    isUsed: (service) => mounts(service).some(({ type }) => type === 'image'),
  },
  {
    what: 'interface_name of a network',
    since: { api: '1.49', engine: '28.1' },
    isUsed: ({ networks }) =>
      Object.values(networks ?? {}).some(
        (one) => ((one ?? {}) as { interface_name?: string }).interface_name !== undefined,
      ),
  },
];

/** What a service asks for that an engine with this API does not know: in words, with the cure. */
export function unknownFeatures(service: Service, apiVersion: string): string[] {
  return features
    .filter(({ since, isUsed }) => !atLeast(apiVersion, since.api) && isUsed(service))
    .map(({ what, since }) => `${what}, which needs Docker engine ${since.engine} or newer`);
}
