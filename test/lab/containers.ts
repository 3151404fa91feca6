import { runInGuest } from './guest.ts';

/** A container of the host, as `docker inspect` tells. */
export type Container = {
  name: string;
  /** Compose service; empty when compose did not make it. */
  service: string;
  id: string;
  /** Image reference it was made from. */
  image: string;
  imageId: string;
  state: string;
  /** healthy, unhealthy, starting; empty without a healthcheck. */
  health: string;
  exitCode: number;
  startedAt: string;
  restartCount: number;
  networks: string[];
  labels: Record<string, string>;
};

type Inspected = {
  Id: string;
  Name: string;
  Image: string;
  RestartCount: number;
  Config: { Image: string; Labels: Record<string, string> | null };
  State: { Status: string; StartedAt: string; ExitCode: number; Health?: { Status: string } };
  NetworkSettings: { Networks: Record<string, unknown> };
};

/** Every container of the host, stopped ones too, by name. */
export async function listContainers(name: string): Promise<Container[]> {
  const script = 'docker ps -aq | xargs --no-run-if-empty docker inspect';
  const { stdout } = await runInGuest(name, 'bash', ['-o', 'pipefail', '-c', script], {
    reject: true,
  });
  const inspected: Inspected[] = stdout === '' ? [] : JSON.parse(stdout);
  return inspected
    .map((container) => ({
      name: container.Name.replace(/^\//, ''),
      service: container.Config.Labels?.['com.docker.compose.service'] ?? '',
      id: container.Id,
      image: container.Config.Image,
      imageId: container.Image,
      state: container.State.Status,
      health: container.State.Health?.Status ?? '',
      exitCode: container.State.ExitCode,
      startedAt: container.State.StartedAt,
      restartCount: container.RestartCount,
      networks: Object.keys(container.NetworkSettings.Networks),
      labels: container.Config.Labels ?? {},
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}
