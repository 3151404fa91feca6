import type { Container, ContainerState } from '../core/observe.ts';
import { masked, secretsOfEnvironment } from '../core/secret-values.ts';
import { expect, type EngineApi } from './engine-api.ts';

/** Docker names an anonymous volume by 64 hex digits. */
const ANONYMOUS_NAME = /^[0-9a-f]{64}$/;

/** The containers of a compose project, those that were run once left out. */
export async function listContainers(api: EngineApi, project: string): Promise<Container[]> {
  const label = `com.docker.compose.project=${project}`;
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
  const listed = await api('GET', `/containers/json?all=true&filters=${filters}`);
  const { body } = expect(listed, [200], 'its containers');
  const inspected = await Promise.all(
    (body as { Id: string }[]).map(({ Id }) => api('GET', `/containers/${Id}/json`)),
  );
  return inspected
    .filter(({ status }) => status === 200)
    .map(({ body: details }) => toContainer(details as Inspected))
    .filter((container) => container.service !== '')
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** The part of `GET /containers/{id}/json` that is read. */
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly Config: {
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env?: readonly string[] | null;
  };
  readonly HostConfig?: { readonly RestartPolicy?: { readonly Name: string } };
  readonly State: {
    readonly Status: ContainerState;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: {
      readonly Status: string;
      readonly Log?: readonly { readonly Output?: string }[] | null;
    };
  };
  readonly Mounts: readonly {
    readonly Type: string;
    readonly Name?: string;
    readonly Source?: string;
    readonly Destination: string;
    readonly RW?: boolean;
  }[];
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress?: string } | null>> | null;
  };
}

function toContainer(details: Inspected): Container {
  const labels = details.Config.Labels;
  const isOneOff = labels['com.docker.compose.oneoff'] === 'True';
  return {
    id: details.Id,
    name: details.Name.replace(/^\//, ''),
    service: isOneOff ? '' : (labels['com.docker.compose.service'] ?? ''),
    configHash: labels['com.docker.compose.config-hash'] ?? '',
    composeVersion: labels['com.docker.compose.version'] ?? '',
    imageId: details.Image,
    image: details.Config.Image,
    state: details.State.Status,
    health: healthOf(details.State.Health?.Status),
    exitCode: details.State.ExitCode,
    restartCount: details.RestartCount,
    startedAt: details.State.StartedAt,
    finishedAt: details.State.FinishedAt,
    restartPolicy: details.HostConfig?.RestartPolicy?.Name || 'no',
    networks: Object.keys(details.NetworkSettings.Networks ?? {}),
    address: Object.values(details.NetworkSettings.Networks ?? {}).find((one) => one?.IPAddress)
      ?.IPAddress,
    mounts: details.Mounts.map(({ Type, Name, Source = '', RW = true }) => ({
      type: Type,
      volume: Type === 'volume' ? Name : undefined,
      source: Source,
      isWritable: RW,
    })),
    anonymousVolumes: details.Mounts.flatMap(({ Type, Name = '', Destination }) =>
      Type === 'volume' && ANONYMOUS_NAME.test(Name) ? [Destination] : [],
    ),
    healthOutput: healthOutputOf(details),
  };
}

const HEALTH_LINES = 3;

/** The last lines in one, fit to be shown: a healthcheck may print what it was given. */
function healthOutputOf({ State: state, Config: config }: Inspected): string | undefined {
  const lines = (state.Health?.Log?.at(-1)?.Output ?? '').split('\n').map((line) => line.trim());
  const last = lines
    .filter((line) => line !== '')
    .slice(-HEALTH_LINES)
    .join(' | ');
  if (last === '') return undefined;
  return masked(last, secretsOfEnvironment(config.Env ?? []));
}

function healthOf(status: string | undefined): Container['health'] {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy'
    ? status
    : undefined;
}
