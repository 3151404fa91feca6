import { readFileSync } from 'node:fs';
import { containerIn, type OwnContainer } from '../core/own-service.ts';
import { expect, type EngineApi } from './engine-api.ts';

/** The ID of the container we run in; undefined on a host. */
export function ownContainerId(): string | undefined {
  try {
    return containerIn(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
}

/** The container we run in, asked for once. Undefined on a host, and in a container of another Docker. */
export function createOwnContainer(api: EngineApi): () => Promise<OwnContainer | undefined> {
  const id = ownContainerId();
  let found: Promise<OwnContainer | undefined> | undefined;
  return () => {
    if (id === undefined) return Promise.resolve(undefined);
    found ??= inspect(api, id);
    // Docker may only be away for a moment.
    found.catch(() => void (found = undefined));
    return found;
  };
}

async function inspect(api: EngineApi, id: string): Promise<OwnContainer | undefined> {
  const answer = await api('GET', `/containers/${id}/json`);
  const { status, body } = expect(answer, [200, 404], 'the container that this runs in');
  if (status === 404) return undefined;
  const {
    Name: name,
    Config: config,
    NetworkSettings: { Networks: networks } = {},
  } = body as {
    readonly Name: string;
    readonly NetworkSettings?: { readonly Networks?: object | null };
    readonly Config: { readonly Labels?: Readonly<Record<string, string>> | null };
  };
  const label = (what: string): string | undefined => config.Labels?.[`com.docker.compose.${what}`];
  return {
    id,
    name: name.replace(/^\//, ''),
    project: label('project'),
    service: label('service'),
    configHash: label('config-hash'),
    networks: Object.keys(networks ?? {}),
  };
}
