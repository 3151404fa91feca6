import { hostPorts, replicasOf, type ComposeModel } from './compose-model.ts';
import type { Container } from './observe.ts';

/** What one HTTP probe saw. */
export interface ProbeResult {
  readonly url: string;
  readonly ok: boolean;
  /** `HTTP 503: <first line of the body>` or the network's error. */
  readonly detail: string;
}

/** The cluster at one moment. */
export interface Sample {
  readonly containers: readonly Container[];
  readonly probes: readonly ProbeResult[];
}

/** Something that is not as it should be. */
export interface Finding {
  /** `service NAME` or the URL. */
  readonly subject: string;
  readonly problem: string;
  /**
   * `starting`: has the whole time-out. `down`: Docker calls it unhealthy, or it does not run; fails
   * the release when it stays so. `hopeless`: waiting will not mend it.
   */
  readonly outlook: 'starting' | 'down' | 'hopeless';
}

/** After this many restarts within one gate a container is crash-looping. */
const CRASH_LOOP_RESTARTS = 3;
const LOOP_WINDOW_MS = 600_000;

/**
 * Judges one moment against what the model asks for: every container there and running (or a
 * job that ended with 0), Docker's healthcheck passed, each URL answered with 2xx. Nothing is
 * taken from `up --wait`, which passes crash loops.
 */
export function findingsIn(
  model: ComposeModel,
  sample: Sample,
  first: Sample,
  jobs: ReadonlySet<string>,
): Finding[] {
  const services = Object.entries(model.services).flatMap(([name, service]) => {
    const containers = sample.containers.filter((container) => container.service === name);
    const missing = replicasOf(service) - containers.length;
    if (missing > 0) return [finding(name, 'has no container')];
    return containers.flatMap((container) =>
      judgeContainer(name, container, jobs.has(name), restartsIn(first, container)),
    );
  });
  const probes = sample.probes.flatMap((probe) =>
    probe.ok ? [] : [{ subject: probe.url, problem: probe.detail, outlook: 'starting' as const }],
  );
  return [...services, ...probes];
}

function judgeContainer(
  name: string,
  container: Container,
  isJob: boolean,
  restartsBefore: number,
): Finding[] {
  const restarts = container.restartCount - restartsBefore;
  if (restarts >= CRASH_LOOP_RESTARTS) {
    return [
      finding(
        name,
        `is crash-looping: restarted ${restarts} times, last exit code ${container.exitCode}`,
        'hopeless',
      ),
    ];
  }
  switch (container.state) {
    case 'running':
      return judgeHealthcheck(name, container);
    case 'exited':
      if (isJob && container.exitCode === 0) return [];
      return [
        finding(name, `has exited with code ${container.exitCode}`, isJob ? 'hopeless' : 'down'),
      ];
    case 'dead':
      return [finding(name, 'is dead', 'hopeless')];
    case 'created':
    case 'paused':
    case 'restarting':
    case 'removing':
      return [finding(name, `is ${container.state} (last exit code ${container.exitCode})`)];
  }
}

function judgeHealthcheck(name: string, container: Container): Finding[] {
  if (container.health === undefined || container.health === 'healthy') return [];
  const output = container.healthOutput ? `: ${container.healthOutput}` : '';
  const outlook = container.health === 'starting' ? 'starting' : 'down';
  return [finding(name, `is ${container.health}${output}`, outlook)];
}

function restartsIn(first: Sample, container: Container): number {
  return first.containers.find(({ id }) => id === container.id)?.restartCount ?? 0;
}

function finding(service: string, problem: string, outlook: Finding['outlook'] = 'down'): Finding {
  return { subject: subjectOf(service), problem, outlook };
}

function subjectOf(service: string): string {
  return `service ${service}`;
}

/**
 * Splits findings by the baseline taken before the update: what was already wrong then is not
 * this release's fault; it is reported and does not fail the gate.
 */
export function splitByBaseline(
  findings: readonly Finding[],
  baseline: readonly string[],
): { regressions: Finding[]; known: Finding[] } {
  const before = new Set(baseline);
  return {
    regressions: findings.filter(({ subject }) => !before.has(subject)),
    known: findings.filter(({ subject }) => before.has(subject)),
  };
}

/** Whether nothing was restarted or replaced between two samples, but for what was bad before. */
export function isSteady(
  previous: Sample,
  next: Sample,
  baseline: readonly string[] = [],
): boolean {
  const starts = (sample: Sample): string =>
    sample.containers
      .filter(({ state, service }) => state === 'running' && !baseline.includes(subjectOf(service)))
      .map(({ id, startedAt, restartCount }) => `${id} ${startedAt} ${restartCount}`)
      .toSorted((left, right) => (left < right ? -1 : 1))
      .join('\n');
  return starts(previous) === starts(next);
}

/**
 * Services that crash-loop slowly: a few looks may all find them running. Docker waits up to a
 * minute between two restarts.
 */
export function slowlyLooping(sample: Sample, ageMs: (container: Container) => number): Finding[] {
  return sample.containers.flatMap((container) => {
    const { service, restartCount } = container;
    const isYoung = ageMs(container) < LOOP_WINDOW_MS;
    if (restartCount < CRASH_LOOP_RESTARTS || !isYoung) return [];
    return [finding(service, `was restarted ${restartCount} times`)];
  });
}

/**
 * The URLs to probe for a release. A URL of this host whose port the old release published and
 * the new one no longer does is left out, and named: the release moved it on purpose.
 */
export function urlsFor(
  urls: readonly string[],
  model: ComposeModel,
  other: ComposeModel,
): { probe: string[]; gone: string[] } {
  const here = new Set(hostPorts(model).map(({ port }) => port));
  const there = new Set(hostPorts(other).map(({ port }) => port));
  const gone = urls.filter((url) => {
    const { hostname, port, protocol } = new URL(url);
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
    return local && there.has(number) && !here.has(number);
  });
  return { probe: urls.filter((url) => !gone.includes(url)), gone };
}
