import type { Container } from './core/observe.ts';
import type { Host } from './host/host.ts';
import { isPhantomPort } from './settle.ts';

/** What is killed as soon as it is started lives for two seconds. */
const WATCHED_SECONDS = 3;
/** Docker waits a little longer each time before it starts one again: only then it is seen to have been killed. */
const SUSPECTED_SECONDS = 20;
const BETWEEN_LOOKS_SECONDS = 0.25;
/** 128 + SIGKILL. */
const KILLED = 137;

/**
 * Starts services that ended with a Docker that was killed. It may come back (26.1.5, seen in 2 of 60 kills)
 * with a port that it holds for nobody, or one start behind what containerd tells it: then it takes each
 * container that it starts for one that has ended, kills it, and starts it again, without an end. It is
 * restarted, once.
 *
 * @param engine remembers from one try to the next that it was
 * @throws what `docker compose start` says
 */
export async function startAgain(
  host: Host,
  services: readonly string[],
  engine = { wasRestarted: false },
): Promise<void> {
  try {
    await host.compose.start(services);
    if (engine.wasRestarted || !(await isKilledOverAndOver(host, services))) return;
    host.log.warn('Docker kills again and again what it has started: it is restarted');
  } catch (error) {
    if (engine.wasRestarted || !(await isPhantomPort(host, error))) throw error;
    host.log.warn('Docker holds a port that no container has: it is restarted to let go of it');
  }
  engine.wasRestarted = true;
  await restartEngine(host, services);
}

/** Restarts Docker, and starts these services, and what ran before. */
export async function restartEngine(host: Host, services: readonly string[]): Promise<void> {
  const wanted = (await host.engine.containers()).filter(
    ({ service, state }) => services.includes(service) || isUp(state),
  );
  await host.engine.restart();
  await host.compose.start([...new Set(wanted.map(({ service }) => service))]);
}

async function isKilledOverAndOver(host: Host, services: readonly string[]): Promise<boolean> {
  const startedAt = host.elapsedSeconds();
  for (;;) {
    const ours = (await host.engine.containers()).filter(({ service }) =>
      services.includes(service),
    );
    if (ours.some(isBetweenKills)) return true;
    const isSuspect = ours.some(({ restartCount, state }) => restartCount > 0 || !isUp(state));
    const limit = isSuspect ? SUSPECTED_SECONDS : WATCHED_SECONDS;
    if (host.elapsedSeconds() - startedAt >= limit) return false;
    await host.sleep(BETWEEN_LOOKS_SECONDS);
  }
}

/** One that crashes by itself has another exit code. */
function isBetweenKills({ state, exitCode, restartCount }: Container): boolean {
  return state === 'restarting' && exitCode === KILLED && restartCount > 0;
}

function isUp(state: Container['state']): boolean {
  return state === 'running' || state === 'restarting';
}
