/** Somebody who talks to the engine. A new engine may not understand an old client any more. */
export interface EngineClient {
  /** `container NAME` or `process NAME (PID)`. */
  readonly who: string;
  /** The version of the API that it says it speaks; undefined where nobody can tell. */
  readonly apiVersion: string | undefined;
}

/** A container as `GET /containers/json` and `GET /containers/{id}/json` tell of it. */
export interface ClientContainer {
  readonly name: string;
  readonly image: string;
  /** Paths of this host that it has mounted. */
  readonly mounted: readonly string[];
  readonly environment: readonly string[];
}

/** What speaks this version unless it is told another (`DOCKER_API_VERSION`); found out by others the hard way. */
const BY_IMAGE: readonly (readonly [image: RegExp, apiVersion: string])[] = [
  [/(^|\/)containrrr\/watchtower(:|@|$)/, '1.25'],
];

/** The containers that have the engine's socket, or a directory it is in. */
export function clientContainers(
  containers: readonly ClientContainer[],
  sockets: readonly string[],
): EngineClient[] {
  return containers
    .filter(({ mounted }) =>
      mounted.some((path) =>
        sockets.some(
          (socket) => socket === path || socket.startsWith(`${path.replace(/\/$/, '')}/`),
        ),
      ),
    )
    .map(({ name, image, environment }) => ({
      who: `container ${name}`,
      apiVersion: versionIn(environment) ?? BY_IMAGE.find(([known]) => known.test(image))?.[1],
    }));
}

function versionIn(environment: readonly string[]): string | undefined {
  const set = environment.find((one) => one.startsWith('DOCKER_API_VERSION='));
  return set?.slice('DOCKER_API_VERSION='.length) || undefined;
}

/** One end of a connection of a local socket, as `ss` prints it. */
const END = /^\S+\s+\S+\s+\d+\s+\d+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s*(.*)$/;
const PROCESS = /"([^"]*)",pid=(\d+)/g;

/**
 * The processes of this host that are connected to the engine at this moment, by what `ss` prints.
 *
 * @param self our own process, which is none of them
 */
export function clientProcesses(
  text: string,
  sockets: readonly string[],
  self: number,
): EngineClient[] {
  const ends = text.split('\n').flatMap((line) => {
    const [, path = '', inode = '', , peer = '', whose = ''] = END.exec(line.trim()) ?? [];
    return inode === '' ? [] : [{ path, inode, peer, whose }];
  });
  const others = new Set(ends.filter(({ path }) => sockets.includes(path)).map(({ peer }) => peer));
  const who = ends
    .filter(({ inode }) => others.has(inode))
    .flatMap(({ whose }) => [...whose.matchAll(PROCESS)])
    .filter(([, , pid]) => Number(pid) !== self)
    .map(([, name = '', pid = '']) => `process ${name} (${pid})`);
  return [...new Set(who)].map((one) => ({ who: one, apiVersion: undefined }));
}
