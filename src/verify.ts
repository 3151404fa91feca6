import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import {
  findingsIn,
  isSteady,
  splitByBaseline,
  urlsFor,
  type Finding,
  type Sample,
} from './core/health.ts';
import { UnhealthyError } from './errors.ts';
import type { Host } from './host/host.ts';

/** What a release is judged by. */
export interface Gate {
  readonly model: ComposeModel;
  /** The release on the other side: a port that it alone publishes is not asked for. */
  readonly otherModel: ComposeModel;
  /** Subjects that were not healthy before the update. */
  readonly baseline: readonly string[];
}

/** Subjects that are not healthy now: taken before an update, so that it is not blamed for them. */
export async function takeBaseline(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<{ subjects: string[]; findings: Finding[] }> {
  const { probe } = urlsFor(config.health.urls, model, model);
  const sample = await look(host, probe);
  const findings = findingsIn(model, sample, sample);
  return { subjects: [...new Set(findings.map(({ subject }) => subject))], findings };
}

/**
 * Waits until a release is healthy and has stayed so, with nothing restarted, for the stability
 * window.
 *
 * @returns what was already wrong before the update and still is
 * @throws {UnhealthyError} when the time is up, or waiting is hopeless; it names what is wrong
 */
export async function verify(host: Host, config: Config, gate: Gate): Promise<readonly Finding[]> {
  const { health } = config;
  const urls = urlsFor(health.urls, gate.model, gate.otherModel);
  for (const url of urls.gone) {
    host.log.warn(
      `${url} is not probed: this release does not publish its port; change health.urls`,
    );
  }
  const seconds = (): number => host.now().getTime() / 1000;
  const startedAt = seconds();
  const first = await look(host, urls.probe);
  let sample = first;
  let healthySince: number | undefined;
  let badSince: number | undefined;
  for (;;) {
    const now = seconds();
    const { regressions, known } = splitByBaseline(
      findingsIn(gate.model, sample, first),
      gate.baseline,
    );
    healthySince = regressions.length === 0 ? (healthySince ?? now) : undefined;
    badSince = regressions.some(({ outlook }) => outlook === 'down')
      ? (badSince ?? now)
      : undefined;
    if (healthySince !== undefined && now - healthySince >= health.stable_seconds) return known;
    failIfOver(regressions, { now, startedAt, badSince }, config);
    report(host, regressions, healthySince === undefined ? undefined : now - healthySince, config);
    await host.sleep(health.interval_seconds);
    const next = await look(host, urls.probe);
    if (!isSteady(sample, next)) healthySince = undefined;
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

async function look(host: Host, urls: readonly string[]): Promise<Sample> {
  const [containers, probes] = await Promise.all([
    host.engine.containers(),
    Promise.all(urls.map((url) => host.probe(url))),
  ]);
  return { containers, probes };
}
