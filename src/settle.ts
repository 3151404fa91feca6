import type { ComposeModel } from './core/compose-model.ts';
import { networksMissing } from './core/networks.ts';
import { sweepFor, type Container } from './core/observe.ts';
import { messageOf, OperatorError } from './errors.ts';
import type { Host } from './host/host.ts';
import type { Target } from './target.ts';

/** How often `up` is repeated before a person is told that it never comes to rest. */
const MAX_ROUNDS = 4;

/**
 * After a power cut, or when it was killed, Docker may go on believing that a port is allocated (26.1.5,
 * seen in 3 of 7 cuts) although no container that runs has it; only a restart of Docker gives it back.
 * It says something else where the port is a stranger's.
 */
export async function isPhantomPort(host: Host, failure: unknown): Promise<boolean> {
  if (failure === undefined) return false;
  const found = /:(\d+) failed: port is already allocated/.exec(messageOf(failure));
  return found?.[1] !== undefined && !(await host.engine.isPublished(Number(found[1])));
}

/**
 * Brings everything up, and again until nothing changes any more: an `up` that was interrupted,
 * or met a foreign container, needs a second one to attach services to their networks, and its
 * exit code does not say so.
 *
 * @param mayRestartEngine on the way back, and after a crash: every service may be stopped for it
 * @throws {OperatorError} when it still changes something, fails, or leaves a service off its networks.
 */
export async function settle(
  host: Host,
  target: Target,
  { mayRestartEngine = false } = {},
): Promise<void> {
  const model = withoutServices(target.model, target.leave);
  let failure: unknown;
  let mayRestart = mayRestartEngine;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const before = await host.engine.containers();
    failure = await up(host, servicesToUp(target, before), round);
    if (mayRestart && (await isPhantomPort(host, failure))) {
      mayRestart = false;
      host.log.warn('Docker holds a port that no container has: it is restarted to let go of it');
      await host.engine.restart();
      continue;
    }
    await removeStrays(host, target);
    const after = await host.engine.containers();
    const isQuiet = failure === undefined && identity(before) === identity(after);
    if (isQuiet && sweepFor(after).length === 0 && networksMissing(model, after).length === 0) {
      return;
    }
    await sweep(host);
  }
  if (failure !== undefined) throw failure;
  const missing = networksMissing(model, await host.engine.containers());
  throw new OperatorError(
    missing.length > 0
      ? `services are not attached to their networks: ${missing.join(', ')}`
      : `docker compose up still changes containers after ${MAX_ROUNDS} rounds`,
    host.compose.recipe(),
  );
}

/**
 * Stops services that the other release has and this one does not: `--remove-orphans` leaves
 * those alone that are still in the file, behind a profile that is not active.
 */
async function removeStrays(host: Host, { model, otherModel }: Target): Promise<void> {
  for (const container of await host.engine.containers()) {
    const { service } = container;
    if (Object.hasOwn(model.services, service)) continue;
    if (!Object.hasOwn(otherModel.services, service)) continue;
    host.log.info(`service ${service} is not active any more: remove ${container.name}`);
    await host.engine.stop(container);
    await host.engine.remove(container);
  }
}

function withoutServices(model: ComposeModel, names: ReadonlySet<string>): ComposeModel {
  const kept = Object.entries(model.services).filter(([name]) => !names.has(name));
  return { ...model, services: Object.fromEntries(kept) };
}

/** Clears what an interrupted compose left: without that the next `up` fails or keeps odd names. */
export async function sweep(host: Host): Promise<void> {
  for (const action of sweepFor(await host.engine.containers())) {
    host.log.info(`leftover of an interrupted compose: ${action.do} ${action.container.name}`);
    switch (action.do) {
      case 'remove':
        await host.engine.remove(action.container);
        break;
      case 'unpause':
        await host.engine.unpause(action.container);
        break;
      case 'rename':
        await host.engine.rename(action.container, action.to);
    }
  }
}

/** Failures are tried again: the next round starts from what this one left. */
async function up(host: Host, services: readonly string[], round: number): Promise<unknown> {
  try {
    await host.compose.up({ services, removeOrphans: true });
    return undefined;
  } catch (error) {
    if (host.isStopping()) throw error;
    host.log.warn(`docker compose up failed (${round} of ${MAX_ROUNDS}): ${messageOf(error)}`);
    return error;
  }
}

/**
 * All services (an empty list), or all but those that are left as they are, a Watchtower that is paused for us, and the
 * jobs that have done their work for this very release: a bare `up` would run them again.
 */
function servicesToUp(
  { model, fingerprint, jobs, leave }: Target,
  containers: readonly Container[],
): string[] {
  const done = containers.filter(
    ({ service, state, exitCode, configHash }) =>
      jobs.has(service) &&
      state === 'exited' &&
      exitCode === 0 &&
      fingerprint[service]?.hash === configHash,
  );
  // A paused container is one that compose tries to start.
  const still = containers.filter(
    ({ service, isHeldStill, configHash, imageId }) =>
      isHeldStill === true &&
      fingerprint[service]?.hash === configHash &&
      fingerprint[service].imageId === imageId,
  );
  const names = new Set([...leave, ...[...done, ...still].map(({ service }) => service)]);
  if (names.size === 0) return [];
  return Object.keys(model.services).filter((name) => !names.has(name));
}

/** Which containers there are. When they started does not count: one that crash-loops is judged later. */
function identity(containers: readonly Container[]): string {
  return containers.map(({ id, name }) => `${id} ${name}`).join('\n');
}
