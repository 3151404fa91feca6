/** What is asked of an engine before it counts as healthy. */
export const engineProbeNames = ['api', 'container', 'ports', 'tasks'] as const;
export type EngineProbeName = (typeof engineProbeNames)[number];

/** What one probe of the engine saw. */
export interface EngineProbe {
  readonly name: EngineProbeName;
  /** `unknown`: it could not be asked, which says nothing about it. */
  readonly state: 'ok' | 'failed' | 'unknown';
  /** In a person's words. */
  readonly detail: string;
  readonly seconds: number;
}

/** A task of containerd. */
export interface Task {
  readonly id: string;
  readonly pid: number;
  /** As `ctr` has it: `RUNNING`, `STOPPED`, … */
  readonly status: string;
}

/** Reads what `ctr tasks ls` prints. */
export function tasksIn(text: string): Task[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [id = '', pid = '', status = ''] = line.trim().split(/\s+/);
      return status === '' ? [] : [{ id, pid: Number(pid), status }];
    });
}

/** The words of a process of this host, its containers left out, and its id. */
export interface Process {
  readonly pid: number;
  readonly words: readonly string[];
}

/** Where the containerd of Docker's packages listens; an engine inside of a container, or of a user, has another. */
const CONTAINERD = '/run/containerd/containerd.sock';

/**
 * The tasks of the shims that run for Docker: containerd may have lost one whose container lives on, after a
 * dockerd was killed while it started it (seen in 1 of 120 kills).
 */
export function shimTasksIn(processes: readonly Process[]): Task[] {
  return processes.flatMap(({ pid, words }) => {
    const after = (flag: string): string | undefined => {
      const at = words.indexOf(flag);
      return at === -1 ? undefined : words[at + 1];
    };
    const isShim = words[0]?.split('/').at(-1)?.startsWith('containerd-shim') === true;
    const isOfDocker = after('-namespace') === 'moby' && after('-address') === CONTAINERD;
    const id = isShim && isOfDocker ? after('-id') : undefined;
    return id === undefined ? [] : [{ id, pid, status: 'RUNNING' }];
  });
}

/** One that is just being created is not known to run yet. */
const RUNS: ReadonlySet<string> = new Set(['RUNNING', 'PAUSED', 'PAUSING']);

/** Tasks that run and of whose container Docker knows nothing: a second one may write to the same data. */
export function orphansIn(tasks: readonly Task[], known: ReadonlySet<string>): Task[] {
  return tasks.filter(({ id, status }) => RUNS.has(status) && !known.has(id));
}

/** Whether all that could be asked was well. */
export function isHealthy(probes: readonly EngineProbe[]): boolean {
  return probes.every(({ state }) => state !== 'failed');
}

/** A port of this host that a container publishes. */
export interface PublishedPort {
  readonly address: string;
  readonly port: number;
  readonly container: string;
  /** Where the container itself has it. */
  readonly inside: { readonly address: string | undefined; readonly port: number };
}

/** What becomes of a connection: `closed` by who took it, at once and without a word. */
export type Reached = 'open' | 'closed' | 'refused';

/** What was seen of a published port. */
export interface PortSeen {
  readonly port: PublishedPort;
  readonly fromHost: Reached;
  /** Of a connection to the container itself; only asked where the other one is not open. */
  readonly direct: Reached;
  /** Somebody listens there in the container. */
  readonly isListening: boolean;
}

/**
 * The ports that Docker does not serve although the container does. A service that does not listen, or that ends every
 * connection at once, is none of Docker's business: a restart would not mend it, and end everything else.
 */
export function unservedPorts(ports: readonly PortSeen[]): PublishedPort[] {
  return ports
    .filter(({ fromHost, direct, isListening }) => {
      const isOfService = !isListening || (fromHost === 'closed' && direct === 'closed');
      return fromHost !== 'open' && !isOfService;
    })
    .map(({ port }) => port);
}

/** `0A` in `/proc/PID/net/tcp`: somebody listens. */
const LISTENS = '0A';

/** 127.0.0.1 and ::1 as they stand there; Docker does not reach what listens at them alone. */
const LOOPBACK: ReadonlySet<string> = new Set(['0100007F', '00000000000000000000000001000000']);

/** Whether somebody can be reached at a port, by `/proc/PID/net/tcp` and `tcp6` of one in that network. */
export function isListeningAt(table: string, port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', at] = local.split(':');
    return state === LISTENS && at === wanted && !LOOPBACK.has(address);
  });
}

/** Where a published port is asked for: what is published to every address answers on the loopback one. */
export function reachedAt({ address, port }: Pick<PublishedPort, 'address' | 'port'>): {
  host: string;
  port: number;
} {
  if (address === '' || address === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: address === '::' ? '::1' : address, port };
}
