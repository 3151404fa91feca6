import type { Container } from './containers.ts';
import type { LabHost } from './lab-host.ts';

/** What tells one container from another, and whether it was ever stopped: by service. */
export async function identities(host: LabHost): Promise<Record<string, string>> {
  const containers = await host.containers();
  return Object.fromEntries(
    containers.map(({ service, id, startedAt }) => [service, `${id.slice(0, 12)} ${startedAt}`]),
  );
}

/** The container of a service; throws unless there is exactly one. */
export async function containerOf(host: LabHost, service: string): Promise<Container> {
  const found = (await host.containers()).filter((container) => container.service === service);
  const [container] = found;
  if (container === undefined || found.length > 1) {
    throw new Error(`${found.length} containers of service ${service}`);
  }
  return container;
}

/** The services that have a container, in name order. */
export async function servicesOf(host: LabHost): Promise<string[]> {
  return (await host.containers()).map(({ service }) => service).toSorted();
}

/** `{ 8082: 'v1', … }`: the version each port serves, undefined where nothing answers. */
export async function versions(
  host: LabHost,
  ports: readonly number[] = [8082, 5001, 8200],
): Promise<Record<number, string | undefined>> {
  const served = await Promise.all(ports.map((port) => host.served(port)));
  return Object.fromEntries(ports.map((port, index) => [port, served[index]?.version]));
}

/** What a volume's service wrote at each of its starts: lines of `<time> <version>`. */
export async function startsIn(host: LabHost, volume: string): Promise<string[]> {
  const path = `/var/lib/docker/volumes/autonomy_${volume}/_data/starts.log`;
  return (await host.readFile(path)).trim().split('\n');
}

/**
 * Every file an installer or an update could write, with mode, owner, size and time, and every unit file with its
 * state: two lists that are the same say that nothing was changed.
 */
export async function filesOf(host: LabHost): Promise<string[]> {
  const places = ['/etc', '/usr', '/home', '/root', '/opt', '/srv', '/var/lib', '/var/cache'];
  // What Docker and systemd write by themselves at any time.
  const busy = ['docker', 'containerd', 'systemd'];
  const pruned = busy.flatMap((name) => ['-path', `/var/lib/${name}`, '-prune', '-o']);
  const print = ['-not', '-type', 'd', '-printf', '%p %m %u:%g %s %T@\n'];
  const files = await host.run('find', [...places, ...pruned, ...print], { reject: true });
  const units = await host.run('systemctl', ['list-unit-files', '--no-legend'], { reject: true });
  return [...files.stdout.split('\n'), ...units.stdout.split('\n')].toSorted();
}
