import type { Config } from './config/schema.ts';
import { mayEnd, type ComposeModel } from './core/compose-model.ts';
import {
  findingsIn,
  isSteady,
  slowlyLooping,
  splitByBaseline,
  urlsFor,
  type Finding,
  type Sample,
} from './core/health.ts';
import type { Container } from './core/observe.ts';
import { secretValues } from './core/secret-values.ts';
import { UnhealthyError } from './errors.ts';
import type { Host } from './host/host.ts';
import { mendStopped } from './mend.ts';
import type { Target } from './target.ts';

/** The cluster before an update. */
export interface Baseline {
  /** What was not healthy; the update is not blamed for it. */
  readonly subjects: readonly string[];
  readonly findings: readonly Finding[];
  /** Services whose containers had ended with 0. */
  readonly endedBefore: readonly string[];
}

/** How long Docker may be away in the middle of a look. */
const ENGINE_WAIT_SECONDS = 60;
/** How often something has to be found bad before it counts as bad. */
const BASELINE_LOOKS = 3;

/**
 * Looks at the cluster before an update. One look is not enough to excuse anything: what is still
 * starting is waited for, and only what is bad in every look, for as long as would fail a release, was
 * bad before.
 */
export async function takeBaseline(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<Baseline> {
  const { probe } = urlsFor(config.health.urls, model, model);
  const jobs = new Set(
    Object.keys(model.services).filter((name) => mayEnd(model.services[name] ?? {})),
  );
  const { timeout_seconds: patience, unhealthy_seconds: persistence } = config.health;
  const since = host.elapsedSeconds();
  const looks: Finding[][] = [];
  for (;;) {
    const sample = await look(host, probe, model);
    const nowMs = host.now().getTime();
    const findings = [
      ...findingsIn(model, sample, sample, jobs),
      ...slowlyLooping(sample, ({ startedAt }) => nowMs - Date.parse(startedAt)),
    ];
    // What Docker's own end has ended is no state of the cluster: it is brought back first.
    if (findings.length > 0 && looks.length === 0 && (await mendStopped(host, config))) continue;
    looks.push(findings);
    const isStarting = findings.some(({ problem }) => problem.startsWith('is starting'));
    const waited = host.elapsedSeconds() - since;
    const isOver =
      looks.length >= BASELINE_LOOKS && waited >= (isStarting ? patience : persistence);
    if (findings.length > 0 && !isOver) {
      host.progress('looking at the cluster before the update');
      await host.sleep(config.health.interval_seconds);
      continue;
    }
    const always = findings.filter(({ subject }) =>
      looks.every((other) => other.some((finding) => finding.subject === subject)),
    );
    const subjects = [...new Set(always.map(({ subject }) => subject))];
    return { subjects, findings: always, endedBefore: endedIn(sample) };
  }
}

function endedIn(sample: Sample): string[] {
  return sample.containers
    .filter(({ state, exitCode }) => state === 'exited' && exitCode === 0)
    .map(({ service }) => service);
}

/**
 * Waits until a release is healthy and has stayed so, with nothing restarted, for the stability
 * window.
 *
 * @returns what was already wrong before the update and still is
 * @throws {UnhealthyError} when the time is up, or waiting is hopeless; it names what is wrong
 */
export async function verify(
  host: Host,
  config: Config,
  target: Target,
): Promise<readonly Finding[]> {
  const { health } = config;
  const urls = urlsFor(health.urls, target.model, target.otherModel);
  for (const url of urls.gone) {
    host.log.warn(
      `${url} is not probed: this release does not publish its port; change health.urls`,
    );
  }
  const seconds = host.elapsedSeconds;
  const startedAt = seconds();
  const first = await look(host, urls.probe, target.model);
  let sample = first;
  let healthySince: number | undefined;
  let badSince: number | undefined;
  for (;;) {
    const now = seconds();
    const { regressions, known } = splitByBaseline(
      findingsIn(target.model, sample, first, target.jobs),
      target.baseline,
    );
    healthySince = regressions.length === 0 ? (healthySince ?? now) : undefined;
    badSince = regressions.some(({ outlook }) => outlook === 'down')
      ? (badSince ?? now)
      : undefined;
    if (healthySince !== undefined && now - healthySince >= health.stable_seconds) return known;
    failIfOver(regressions, { now, startedAt, badSince }, config);
    report(host, regressions, healthySince === undefined ? undefined : now - healthySince, config);
    await host.sleep(health.interval_seconds);
    const next = await look(host, urls.probe, target.model);
    if (!isSteady(sample, next, target.baseline)) healthySince = undefined;
    sample = next;
  }
}

function failIfOver(
  regressions: readonly Finding[],
  times: { now: number; startedAt: number; badSince: number | undefined },
  config: Config,
): void {
  const { health } = config;
  const waited = Math.round(times.now - times.startedAt);
  if (regressions.some(({ outlook }) => outlook === 'hopeless'))
    throw unhealthy(regressions, waited);
  const bad = times.badSince === undefined ? 0 : times.now - times.badSince;
  if (bad >= health.unhealthy_seconds) throw unhealthy(regressions, waited);
  // The window may end after the time is up, but it has to begin before.
  const limit = health.timeout_seconds + (regressions.length === 0 ? health.stable_seconds : 0);
  if (times.now - times.startedAt >= limit) throw unhealthy(regressions, waited);
}

function unhealthy(regressions: readonly Finding[], waitedSeconds: number): UnhealthyError {
  const what = regressions.map(({ subject, problem }) => `${subject} ${problem}`);
  const why = what.length > 0 ? what.join('; ') : 'containers keep being restarted';
  return new UnhealthyError(
    `not healthy after ${waitedSeconds} s: ${why}`,
    'docker compose ps; docker compose logs --tail 50',
  );
}

function report(
  host: Host,
  regressions: readonly Finding[],
  steadySeconds: number | undefined,
  config: Config,
): void {
  const [first] = regressions;
  if (first) host.progress(`waiting: ${first.subject} ${first.problem}`);
  else {
    const fraction = (steadySeconds ?? 0) / Math.max(1, config.health.stable_seconds);
    host.progress('healthy; watching that it stays so', Math.min(1, fraction));
  }
}

/** A daemon that restarts is not the release's fault: it is waited for once. */
async function look(host: Host, urls: readonly string[], model: ComposeModel): Promise<Sample> {
  const containers = async (): Promise<readonly Container[]> => host.engine.containers();
  const secrets = secretValues(model);
  const [found, probes] = await Promise.all([
    containers().catch(async (error: unknown) => {
      if (host.isStopping() || !(await host.engine.waitUntilUp(ENGINE_WAIT_SECONDS))) throw error;
      return containers();
    }),
    Promise.all(urls.map((url) => host.probe(url, secrets))),
  ]);
  return { containers: found, probes };
}
