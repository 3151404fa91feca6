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

/** Tasks that run and of whose container Docker knows nothing: a second one may write to the same data. */
export function orphansIn(tasks: readonly Task[], known: ReadonlySet<string>): Task[] {
  return tasks.filter(({ id, status }) => status !== 'STOPPED' && !known.has(id));
}

/** Whether all that could be asked was well. */
export function isHealthy(probes: readonly EngineProbe[]): boolean {
  return probes.every(({ state }) => state !== 'failed');
}

/** A port of this host that containers publish. */
export interface PublishedPort {
  readonly address: string;
  readonly port: number;
  readonly container: string;
}

/** Where a published port is asked for: what is published to every address answers on the loopback one. */
export function reachedAt({ address, port }: Pick<PublishedPort, 'address' | 'port'>): {
  host: string;
  port: number;
} {
  if (address === '' || address === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: address === '::' ? '::1' : address, port };
}
