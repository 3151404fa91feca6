import { sharesNamespaceWith, type ComposeModel } from './compose-model.ts';

/** The container that this program itself runs in. */
export interface OwnContainer {
  readonly id: string;
  /** As `docker ps` shows it. */
  readonly name: string;
  /** The compose project that made it, and the service of it; undefined where compose did not. */
  readonly project: string | undefined;
  readonly service: string | undefined;
  readonly configHash: string | undefined;
  /** Docker's names of the networks that it is on. */
  readonly networks: readonly string[];
}

/** The services of a project that the container of this program stands for, or stands in the way of. */
export function ownServices(model: ComposeModel, project: string, own: OwnContainer): string[] {
  return Object.entries(model.services).flatMap(([name, { container_name: wanted }]) =>
    (own.project === project && own.service === name) || wanted === own.name ? [name] : [],
  );
}

/** Leaves services out. Who depends on them is told by `dependentsOf`. */
export function withoutServices(model: ComposeModel, names: readonly string[]): ComposeModel {
  const kept = Object.entries(model.services).filter(([name]) => !names.includes(name));
  return { ...model, services: Object.fromEntries(kept) };
}

/** The other services that cannot be had without one of these. */
export function dependentsOf(model: ComposeModel, names: readonly string[]): string[] {
  return Object.entries(model.services).flatMap(([name, service]) => {
    const needed = [...Object.keys(service.depends_on ?? {}), ...sharesNamespaceWith(service)];
    return !names.includes(name) && needed.some((one) => names.includes(one)) ? [name] : [];
  });
}

/** A call of `docker compose up`, as far as it concerns the container of this program. */
interface UpWish {
  /** None means all. */
  readonly services: readonly string[];
  readonly removeOrphans: boolean;
}

/** What docker compose reads when it is called. */
interface Live {
  readonly own: OwnContainer;
  readonly project: string;
  /** The services that `up` applies, where it names none. */
  readonly active: readonly string[];
  /** Services of inactive profiles, too. */
  readonly all: ComposeModel;
}

/** The same call without what would replace or remove the container of this program; undefined where nothing is left of it. */
export function upWithoutOwn<Wish extends UpWish>(
  wish: Wish,
  { own, project, active, all }: Live,
): Wish | undefined {
  const names = ownServices(all, project, own);
  const isOrphan = own.project === project && !Object.hasOwn(all.services, own.service ?? '');
  const removeOrphans = wish.removeOrphans && !isOrphan;
  if (names.length === 0) return { ...wish, removeOrphans };
  const wanted = wish.services.length > 0 ? wish.services : active;
  const services = wanted.filter((name) => !names.includes(name));
  return services.length > 0 ? { ...wish, services, removeOrphans } : undefined;
}

/**
 * Whether a directory is the host's, from the `/proc/self/mountinfo` of a process that may be in a container: there it has
 * to be mounted, or be in what is. What an image has at the same place tells nothing of the host.
 */
export function isOfHost(directory: string, mountinfo: string): boolean {
  const mounts = mountinfo.split('\n').map((line) => {
    const [before = '', after = ''] = line.split(' - ');
    return { place: before.split(' ')[4] ?? '', type: after.split(' ')[0] };
  });
  const around = mounts.filter(({ place }) => place !== '' && isBelow(directory, place));
  const nearest = around.toSorted((a, b) => b.place.length - a.place.length)[0];
  if (nearest === undefined) return false;
  if (nearest.place !== '/') return true;
  return nearest.type !== 'overlay' && containerIn(mountinfo) === undefined;
}

function isBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(place === '/' ? place : `${place}/`);
}

/**
 * The ID of the container that a process is in, from its `/proc/self/mountinfo`: Docker mounts files of each
 * container's own there. Undefined on a host, whose lines are of other places.
 */
export function containerIn(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [, , , root = '', place = ''] = line.split(' ');
    if (!['/etc/hostname', '/etc/hosts', '/etc/resolv.conf'].includes(place)) continue;
    const id = /\/containers\/([0-9a-f]{64})\//.exec(root)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}
