import { z } from 'zod';
import type { Config } from './config/schema.ts';
import { mayEnd, replicasOf, type ComposeModel } from './core/compose-model.ts';
import { towersOver, withoutContainer, type WatchingTower } from './core/image-keepers.ts';
import { own } from './core/own.ts';
import { watchtowersIn, type HostContainer } from './core/watchtower.ts';
import { OperatorError } from './errors.ts';
import type { EngineHost, Host, StateHost } from './host/host.ts';
import { files } from './state-names.ts';
import { tryTo } from './try-to.ts';

const towerSchema = z.object({ id: z.string(), name: z.string() });

/** Which Watchtowers are paused while a transaction acts; written down before they are. */
const stillSchema = z.object({
  at: z.string(),
  /** By us: they go on. */
  paused: z.array(towerSchema),
  /** By a person, before: they stay as they are. */
  left: z.array(towerSchema),
});
type Still = z.output<typeof stillSchema>;

/** How often a Watchtower that is making a container anew is let go on for a moment. */
const LETS = 6;
const LET_SECONDS = 5;
/** What ended longer ago was not ended by a Watchtower that is about to make it anew. */
const RECENTLY_MS = 120_000;
/** A Watchtower that is started in the very moment is met by the next look. */
const LOOKS = 3;

/**
 * Pauses every Watchtower that watches anything of the cluster, so that nobody but us changes it: those that run, also
 * one that a step has just made or started. That they are is on the disk before.
 *
 * @param isUnderWay in a transaction: services without a container are its doing, not that of a Watchtower
 * @returns whether one is paused by us
 * @throws {OperatorError} when one cannot be paused
 */
export async function holdTowers(
  host: Host,
  config: Config,
  { oldModel, newModel }: { readonly oldModel: ComposeModel; readonly newModel: ComposeModel },
  { isUnderWay = false } = {},
): Promise<boolean> {
  const models = [oldModel, newModel];
  for (let round = 1; ; round++) {
    const towers = await pauseAll(host, config, models);
    if (towers.length === 0) return false;
    const busyWith = isUnderWay ? [] : await beingMade(host, config, oldModel, towers);
    if (busyWith.length === 0) return true;
    const services = busyWith.join(', ');
    if (round === LETS) {
      host.log.warn(`without a container, and no Watchtower makes one: ${services}`);
      return true;
    }
    host.log.info(`a Watchtower may be making these anew and goes on for a moment: ${services}`);
    for (const tower of towers) await host.engine.unpause(tower);
    await host.sleep(LET_SECONDS);
  }
}

/** The same in the middle of a transaction, which nothing about a Watchtower may end: one may be there that was not. */
export async function holdTowersAgain(
  host: Host,
  config: Config,
  models: { readonly oldModel: ComposeModel; readonly newModel: ComposeModel },
): Promise<void> {
  await tryTo(host, async () => {
    await holdTowers(host, config, models, { isUnderWay: true });
  });
}

/** @returns those that are paused by us now */
async function pauseAll(
  host: Host,
  { project_name: project }: Config,
  models: readonly ComposeModel[],
): Promise<WatchingTower[]> {
  for (let look = 1; ; look++) {
    const containers = await host.engine.hostContainers();
    const towers = towersOver(models, { project, containers });
    if (towers.length === 0) return [];
    const before = await readStill(host.state);
    const wereOurs = new Set(before?.paused.map(({ id }) => id));
    const isOurs = ({ id, state }: WatchingTower): boolean =>
      state !== 'paused' || wereOurs.has(id);
    const ours = towers.filter(isOurs);
    const running = ours.filter(({ state }) => state === 'running');
    if (running.length === 0) {
      if (look === 1) await writeStill(host, before, { towers, isOurs, containers });
      else host.log.info(`paused until it is over: ${namesOf(ours)}`);
      return ours;
    }
    const names = namesOf(running);
    if (look > LOOKS) {
      throw new OperatorError(
        `Watchtower cannot be paused: ${names}`,
        `docker pause ${names}; docker logs --tail 20 ${names}`,
      );
    }
    await writeStill(host, before, { towers, isOurs, containers });
    await tryTo(host, () => host.towerGuard.arm());
    host.progress(`pausing ${names}`);
    for (const tower of running) await tryTo(host, () => host.engine.pause(tower));
  }
}

const named = (those: readonly z.output<typeof towerSchema>[]): Still['paused'] =>
  those.map(({ id, name }) => ({ id, name }));

/** Who could not be let go on before, and watches nothing of this any more, stays known. */
async function writeStill(
  host: Host,
  before: Still | undefined,
  now: {
    readonly towers: readonly WatchingTower[];
    readonly isOurs: (tower: WatchingTower) => boolean;
    readonly containers: readonly HostContainer[];
  },
): Promise<void> {
  const { towers, isOurs, containers } = now;
  const kept = (before?.paused ?? []).filter(
    ({ id }) => containers.some((one) => one.id === id) && !towers.some((one) => one.id === id),
  );
  const paused = [...named(towers.filter(isOurs)), ...named(kept)];
  const left = named(towers.filter((tower) => !isOurs(tower)));
  const isKnown = JSON.stringify([before?.paused, before?.left]) === JSON.stringify([paused, left]);
  if (isKnown) return;
  const still: Still = { at: host.now().toISOString(), paused, left };
  await host.state.write(files.towers, `${JSON.stringify(still)}\n`);
}

/** A Watchtower removes a container before it makes its new one: it must not be stopped in between. */
async function beingMade(
  host: Host,
  { project_name: project }: Config,
  { services }: ComposeModel,
  towers: readonly WatchingTower[],
): Promise<string[]> {
  const containers = await host.engine.hostContainers();
  const watched = [...new Set(towers.flatMap((tower) => tower.services))];
  const wanted = watched.filter((name) => {
    const service = own(services, name);
    return service !== undefined && !mayEnd(service) && replicasOf(service) > 0;
  });
  const missing = withoutContainer(wanted, { project, containers });
  if (missing.length === 0) return [];
  const sinceMs = host.now().getTime() - RECENTLY_MS;
  const ended = (await host.engine.containers()).filter(
    ({ state, finishedAt }) => state === 'exited' && Date.parse(finishedAt) < sinceMs,
  );
  return missing.filter((name) => !ended.some(({ service }) => service === name));
}

/**
 * Lets those go on that we have paused, unless a transaction is open or a person is waited for: until then nobody is to
 * change the cluster. What fails is done by the next run: it changes no outcome.
 */
export async function letTowersGoOn(host: Host, config: Config): Promise<void> {
  await tryTo(host, async () => {
    const { state } = host;
    if ((await state.read(files.towers)) === undefined) return;
    const isOpen = (await state.read(files.active)) !== undefined;
    if (isOpen || (await state.read(files.needsOperator)) !== undefined) {
      return host.towerGuard.disarm();
    }
    host.shieldFromSignals();
    try {
      await goOn(host, config);
    } finally {
      host.obeySignals();
    }
  });
}

async function goOn(host: Host, config: Config): Promise<void> {
  const later = 'the next run tries again; docker ps --filter status=paused';
  if (!(await host.engine.waitUntilUp(config.timeouts.docker_seconds))) {
    throw new OperatorError(`Watchtower is paused, and Docker does not answer; ${later}`, '');
  }
  const paused = await pausedByUs(host);
  for (const tower of paused) await host.engine.unpause(tower);
  const left = await pausedByUs(host);
  if (left.length > 0) {
    throw new OperatorError(`Watchtower does not go on: ${namesOf(left)}; ${later}`, '');
  }
  await host.towerGuard.disarm();
  await host.state.remove(files.towers);
  if (paused.length > 0) host.log.info(`goes on: ${namesOf(paused)}`);
}

/** Those of ours that are paused at this moment; all there are, where the record of them is damaged. */
async function pausedByUs(host: Host): Promise<{ readonly id: string; readonly name: string }[]> {
  const still = await readStill(host.state);
  const containers = await host.engine.hostContainers();
  const paused = containers.filter(({ state }) => state === 'paused');
  if (still === undefined) return watchtowersIn(paused);
  const ours = new Set(still.paused.map(({ id }) => id));
  return paused.filter(({ id }) => ours.has(id));
}

/** The names of those that are paused by us, for a person. */
export async function towersHeld(state: StateHost): Promise<string[]> {
  return (await readStill(state))?.paused.map(({ name }) => name) ?? [];
}

/**
 * The same engine, to which a Watchtower of the cluster runs while it is paused for us: it is well, is not to be let go on
 * by the way, and is no reason to take a release back.
 */
export function withTowersStill(engine: EngineHost, state: StateHost): EngineHost {
  return {
    ...engine,
    containers: async (project) => {
      const [containers, still] = await Promise.all([engine.containers(project), readStill(state)]);
      if (still === undefined) return containers;
      const ids = new Set([...still.paused, ...still.left].map(({ id }) => id));
      return containers.map((one) =>
        one.state === 'paused' && ids.has(one.id)
          ? { ...one, state: 'running', health: undefined, isHeldStill: true }
          : one,
      );
    },
  };
}

async function readStill(state: StateHost): Promise<Still | undefined> {
  const text = await state.read(files.towers);
  try {
    return text === undefined ? undefined : stillSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function namesOf(towers: readonly { readonly name: string }[]): string {
  return towers.map(({ name }) => name).join(', ');
}
