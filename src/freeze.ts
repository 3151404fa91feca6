import { z } from 'zod';
import type { Config } from './config/schema.ts';
import type { BackupScope } from './core/backup-scope.ts';
import { messageOf, OperatorError } from './errors.ts';
import type { FrozenFacts } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { startAgain } from './start-again.ts';
import { files } from './state-names.ts';

const containerSchema = z.object({ id: z.string(), name: z.string(), service: z.string() });

/** Who was paused or stopped, written down before they are. */
const frozenSchema = z.object({
  at: z.string(),
  paused: z.array(containerSchema),
  stopped: z.array(containerSchema),
});
type Frozen = z.output<typeof frozenSchema>;

/** Beyond its own limit, for who has to end what was done meanwhile. */
const GUARD_SECONDS = 30;
const THAW_ROUNDS = 5;

/**
 * Does something while none of the writers writes, and lets them go on, whatever comes of it. That they
 * are to go on is on the disk before, and another process waits for our end: neither kill -9 of us nor a
 * power cut leaves them frozen.
 *
 * @returns undefined facts where there is nobody to freeze
 * @throws what `act` throws
 */
export async function whileFrozen(
  host: Host,
  config: Config,
  writers: BackupScope['writers'],
  act: () => Promise<void>,
): Promise<FrozenFacts | undefined> {
  if (writers.length === 0) {
    await act();
    return undefined;
  }
  const those = (by: 'pause' | 'stop') =>
    writers
      .filter((writer) => writer.by === by)
      .map(({ container: { id, name, service } }) => ({ id, name, service }));
  const frozen: Frozen = {
    at: host.now().toISOString(),
    paused: those('pause'),
    stopped: those('stop'),
  };
  await host.state.write(files.frozen, `${JSON.stringify(frozen)}\n`);
  const startedAt = host.elapsedSeconds();
  try {
    await host.freezeGuard.arm(idsOf(frozen), config.backup.freeze_seconds + GUARD_SECONDS);
    // Those that are stopped first: they may take their time, and the others go on meanwhile.
    for (const container of frozen.stopped) await host.engine.stop(container);
    await Promise.all(
      writers
        .filter(({ by }) => by === 'pause')
        .map(({ container }) => host.engine.pause(container)),
    );
    await act();
    await requireStillFrozen(host, frozen);
  } finally {
    await thaw(host, config);
  }
  const seconds = host.elapsedSeconds() - startedAt;
  await waitUntilHealthy(host, config, writers);
  return {
    seconds: Math.round(seconds * 1000) / 1000,
    paused: frozen.paused.map(({ service }) => service),
    stopped: frozen.stopped.map(({ service }) => service),
  };
}

/**
 * Docker calls a container unhealthy while it is paused, and until its next healthcheck has passed. A release
 * must not be blamed for that.
 *
 * @throws {OperatorError} when one that was healthy is not so again within the time a release has, or has ended:
 * that is not waited for, because who starts what a dockerd that was killed left ended waits for the end of this run
 */
async function waitUntilHealthy(
  host: Host,
  config: Config,
  writers: BackupScope['writers'],
): Promise<void> {
  const wereHealthy = writers.filter(({ container }) => container.health === 'healthy');
  const ids = new Set(wereHealthy.map(({ container }) => container.id));
  const { timeout_seconds: patience } = config.health;
  const startedAt = host.elapsedSeconds();
  for (;;) {
    const containers = await host.engine.containers();
    const waiting = containers.filter(({ id, health }) => ids.has(id) && health !== 'healthy');
    if (waiting.length === 0) return;
    const ended = waiting.filter(({ state }) => state === 'exited' || state === 'dead');
    if (ended.length > 0) {
      throw new OperatorError(
        `ended after it had been frozen for a backup: ${ended.map(({ service }) => service).join(', ')}; Docker was restarted, or it was stopped`,
        'docker compose ps; the next run makes another backup; orchestrator-update backup create',
      );
    }
    const names = waiting.map(({ service }) => service).join(', ');
    if (host.elapsedSeconds() - startedAt >= patience) {
      throw new OperatorError(
        `not healthy again ${patience} s after it was frozen for a backup: ${names}`,
        'docker compose ps; a healthcheck with a longer interval needs a larger health.timeout_seconds, or the label orchestrator-update.backup.freeze: none',
      );
    }
    host.progress(`waiting for the next healthcheck of ${names}`);
    await host.sleep(0.5);
  }
}

/**
 * Lets those go on that a backup has frozen: after it, and after whatever has cut it off.
 *
 * @throws {OperatorError} when Docker does not answer; who comes next tries again
 */
export async function thaw(host: Host, config: Config): Promise<void> {
  const frozen = await readFrozen(host);
  if (frozen === undefined) return;
  host.progress('letting the cluster go on');
  host.shieldFromSignals();
  try {
    await letAllGoOn(host, config, frozen);
  } finally {
    host.obeySignals();
  }
}

async function letAllGoOn(host: Host, config: Config, frozen: Frozen): Promise<void> {
  if (!(await host.engine.waitUntilUp(config.timeouts.docker_seconds))) {
    throw new OperatorError(
      `services are paused or stopped for a backup, and Docker does not answer: ${namesOf(frozen)}`,
      'systemctl status docker containerd; when they run: orchestrator-update recover',
    );
  }
  const engine = { wasRestarted: false };
  let failure = await letGoOn(host, frozen, engine);
  for (let round = 1; round < THAW_ROUNDS && failure !== undefined; round++) {
    host.log.warn(`not everything goes on yet: ${messageOf(failure)}`);
    await host.sleep(1);
    failure = await letGoOn(host, frozen, engine);
  }
  if (failure !== undefined) throw failure;
  await host.freezeGuard.disarm();
  await host.state.remove(files.frozen);
}

/** Who went on in between may have written: a Docker that is restarted ends those that are paused. */
async function requireStillFrozen(host: Host, { paused, stopped }: Frozen): Promise<void> {
  const now = new Map((await host.engine.containers()).map(({ id, state }) => [id, state]));
  const gone = [
    ...paused.filter(({ id }) => now.get(id) !== 'paused'),
    ...stopped.filter(({ id }) => now.get(id) !== 'exited'),
  ];
  if (gone.length === 0) return;
  throw new OperatorError(
    `not everything was kept from writing while it was copied: ${gone.map(({ name }) => name).join(', ')}; Docker was restarted, or somebody let it go on`,
    'the next run makes another backup; orchestrator-update backup create',
  );
}

/** @returns why one of them does not go on */
async function letGoOn(
  host: Host,
  { paused, stopped }: Frozen,
  engine: { wasRestarted: boolean },
): Promise<unknown> {
  const unpaused = await Promise.allSettled(
    paused.map((container) => host.engine.unpause(container)),
  );
  const failed = unpaused.find((result) => result.status === 'rejected');
  if (failed) return failed.reason;
  try {
    const ids = new Set([...paused, ...stopped].map(({ id }) => id));
    const ended = (await host.engine.containers()).filter(
      ({ id, state }) => ids.has(id) && (state === 'exited' || state === 'created'),
    );
    // Stopped by us, or ended with a Docker that was: Docker starts neither by itself.
    const services = [...new Set(ended.map(({ service }) => service))];
    const isByDocker = ended.some(({ id }) => paused.some((one) => one.id === id));
    if (isByDocker) await startAgain(host, services, engine);
    else if (services.length > 0) await host.compose.start(services);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** One that cannot be read names nobody: then everything of the cluster that is paused goes on. */
async function readFrozen(host: Host): Promise<Frozen | undefined> {
  const text = await host.state.read(files.frozen);
  if (text === undefined) return undefined;
  try {
    return frozenSchema.parse(JSON.parse(text));
  } catch (error) {
    host.log.warn(`${files.frozen} is damaged: ${messageOf(error)}`);
    const paused = (await host.engine.containers()).filter(({ state }) => state === 'paused');
    return { at: '', paused, stopped: [] };
  }
}

function idsOf({ paused, stopped }: Frozen) {
  return { paused: paused.map(({ id }) => id), stopped: stopped.map(({ id }) => id) };
}

function namesOf({ paused, stopped }: Frozen): string {
  return [...paused, ...stopped].map(({ name }) => name).join(', ');
}
