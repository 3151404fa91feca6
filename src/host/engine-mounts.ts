import type { Volume } from '../core/backup-scope.ts';
import type { ApiAnswer } from './engine-api.ts';

/** The part of `GET /volumes` that is read. */
interface VolumeDetails {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** Every volume of an answer to `GET /volumes`. */
export function listVolumes({ body }: ApiAnswer): Volume[] {
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
export function listMountedPaths({ body }: ApiAnswer): string[] {
  const containers = body as { Mounts?: readonly { Source?: string }[] | null }[];
  return containers.flatMap(({ Mounts: mounts }) =>
    (mounts ?? []).flatMap(({ Source: source }) => (source ? [source] : [])),
  );
}
