import type { ContainerState } from '../core/observe.ts';
import { mayBeWatchtower, type HostContainer } from '../core/watchtower.ts';
import { expect, type EngineApi } from './engine-api.ts';

/** The part of `GET /containers/json` that is read. */
interface Listed {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly Image: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly State: ContainerState;
}

/** The part of `GET /containers/{id}/json` that is read. */
interface Inspected {
  readonly Config: {
    readonly Image: string;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env?: readonly string[] | null;
  };
}

/** Every container of a host. Only what may be a Watchtower is looked at closely. */
export async function listHostContainers(api: EngineApi): Promise<HostContainer[]> {
  const answer = await api('GET', '/containers/json?all=true');
  const listed = expect(answer, [200], 'its containers').body as Listed[];
  return Promise.all(
    listed.map(async (one) => {
      const { Id: id, Names: names, Image: image, Labels: labels, State: state } = one;
      // The names of links have the name of the other container in them.
      const name = names?.map((path) => path.slice(1)).find((path) => !path.includes('/')) ?? id;
      const container = { id, name, image, labels: labels ?? {}, state };
      const more = mayBeWatchtower(container) ? await detailsOf(api, id) : undefined;
      return { command: [], environment: [], ...container, ...more };
    }),
  );
}

/** Undefined where it has gone meanwhile. */
async function detailsOf(
  api: EngineApi,
  id: string,
): Promise<Pick<HostContainer, 'image' | 'command' | 'environment'> | undefined> {
  const { status, body } = await api('GET', `/containers/${id}/json`);
  if (status !== 200) return undefined;
  const {
    Image: image,
    Entrypoint: program,
    Cmd: rest,
    Env: environment,
  } = (body as Inspected).Config;
  return { image, command: [...(program ?? []), ...(rest ?? [])], environment: environment ?? [] };
}
