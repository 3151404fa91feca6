import type { ContainerBefore, EngineView } from '../core/engine-transaction.ts';
import { expect, type EngineApi } from './engine-api.ts';
import { PROBE_LABEL } from './probe-container.ts';

/** The parts of the answers that are read. */
interface Info {
  readonly Driver: string;
  readonly DriverStatus?: readonly (readonly string[])[] | null;
  readonly LiveRestoreEnabled?: boolean;
  readonly Swarm?: { readonly LocalNodeState?: string };
}
interface Version {
  readonly Version: string;
  readonly MinAPIVersion?: string;
}
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { readonly Labels?: Readonly<Record<string, string>> | null };
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly HostConfig: {
    readonly AutoRemove?: boolean;
    readonly RestartPolicy?: { readonly Name: string };
  };
}

/** What an engine has, as it says itself. @throws where it does not answer */
export async function viewEngine(api: EngineApi): Promise<EngineView> {
  const [version, info, listed, networks, volumes] = await Promise.all([
    get<Version>(api, '/version'),
    get<Info>(api, '/info'),
    get<{ Id: string }[]>(api, '/containers/json?all=true'),
    get<{ Name: string }[]>(api, '/networks'),
    get<{ Volumes: { Name: string }[] | null }>(api, '/volumes'),
  ]);
  const containers = await Promise.all(listed.map(({ Id: id }) => containerOf(api, id)));
  return {
    version: version.Version,
    oldestApi: version.MinAPIVersion ?? '',
    storageDriver: info.Driver,
    imageStore: isOfContainerd(info) ? 'containerd' : 'docker',
    liveRestore: info.LiveRestoreEnabled === true,
    isSwarm: !['', 'inactive', undefined].includes(info.Swarm?.LocalNodeState),
    containers: containers.flat(),
    networks: networks.map(({ Name: name }) => name),
    volumes: (volumes.Volumes ?? [])
      .map(({ Name: name }) => name)
      .filter((name) => !UNNAMED.test(name)),
  };
}

/** The driver of the containerd store says which snapshotter it uses. */
export function isOfContainerd({ DriverStatus: status }: Pick<Info, 'DriverStatus'>): boolean {
  return (status ?? []).some(
    ([, value]) => value?.startsWith('io.containerd.snapshotter') === true,
  );
}

async function get<Body>(api: EngineApi, path: string): Promise<Body> {
  return expect(await api('GET', path), [200], path).body as Body;
}

/** What Docker calls a volume by itself. It comes and goes with its container. */
const UNNAMED = /^[0-9a-f]{64}$/;

/** None where it has gone meanwhile, or removes itself when it ends: our own probe does, too. */
async function containerOf(api: EngineApi, id: string): Promise<ContainerBefore[]> {
  const { status, body } = await api('GET', `/containers/${id}/json`);
  if (status !== 200) return [];
  const { Name: name, Config: config, State: state, HostConfig: host } = body as Inspected;
  if (host.AutoRemove === true || config.Labels?.[PROBE_LABEL] !== undefined) return [];
  const runs = state.Status === 'running' || state.Status === 'paused';
  return [
    {
      id,
      name: name.replace(/^\//, ''),
      pid: runs ? state.Pid : 0,
      startedAt: state.StartedAt,
      health: state.Health?.Status ?? 'none',
      isDone: isJob(host.RestartPolicy?.Name) && state.Status === 'exited' && state.ExitCode === 0,
    },
  ];
}

/** Whether nobody is to start it again. */
function isJob(policy: string | undefined): boolean {
  return policy === undefined || policy === '' || policy === 'no';
}
