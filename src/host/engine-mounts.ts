import type { Volume } from '../core/backup-scope.ts';
import { expect, type ApiAnswer, type EngineApi } from './engine-api.ts';
import type { EngineHost } from './host.ts';

/** What Docker knows of volumes, and does about them. */
export function volumeActs(
  api: EngineApi,
): Pick<EngineHost, 'volumes' | 'createVolume' | 'removeVolume' | 'mountedPaths'> {
  return {
    volumes: async () => listVolumes(expect(await api('GET', '/volumes'), [200], 'its volumes')),
    createVolume: async (name, labels) => {
      const wish = { Name: name, Driver: 'local', Labels: labels };
      const answer = await api('POST', '/volumes/create', wish);
      return (expect(answer, [201], `the volume ${name}`).body as VolumeDetails).Mountpoint;
    },
    removeVolume: async (name) => {
      const answer = await api('DELETE', `/volumes/${encodeURIComponent(name)}`);
      expect(answer, [204, 404], `the removal of the volume ${name}`);
    },
    mountedPaths: async () =>
      listMountedPaths(expect(await api('GET', '/containers/json?all=true'), [200], 'containers')),
  };
}

/** The part of `GET /volumes` that is read. */
interface VolumeDetails {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** Every volume of an answer to `GET /volumes`. */
function listVolumes({ body }: ApiAnswer): Volume[] {
  const { Volumes: volumes } = body as { Volumes?: readonly VolumeDetails[] | null };
  return (volumes ?? []).map((details) => ({
    name: details.Name,
    driver: details.Driver,
    mountpoint: details.Mountpoint,
    options: details.Options ?? {},
    labels: details.Labels ?? {},
  }));
}

/** The paths of this host that containers of an answer to `GET /containers/json` have mounted. */
function listMountedPaths({ body }: ApiAnswer): string[] {
  const containers = body as { Mounts?: readonly { Source?: string }[] | null }[];
  return containers.flatMap(({ Mounts: mounts }) =>
    (mounts ?? []).flatMap(({ Source: source }) => (source ? [source] : [])),
  );
}
