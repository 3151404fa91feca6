import { fakeBackups } from './fake-backups.ts';
import type { Host } from '../../src/host/host.ts';
import { fakeLook } from './fake-registries.ts';
import { withTowersStill } from '../../src/towers.ts';
import { fakeCompose } from './fake-compose.ts';
import { fakeState } from './fake-state.ts';
import { fakeDocker } from './fake-docker.ts';
import { fakeSwaps } from './fake-swaps.ts';
import { noteTrespass } from './fake-towers.ts';
import { PowerCut, releaseOf, Stopped, type World } from './fake-world.ts';

/** How a run on the fake machine is disturbed. Effects are counted from the start of the run. */
export interface Disturbance {
  /** The power goes before this effect; 0 is the first. */
  readonly cutBefore?: number;
  /** The power goes in the middle of this effect, where it has one; else before it. */
  readonly cutDuring?: number;
  /** A stop signal arrives before this effect. */
  readonly stopBefore?: number;
  /** From this effect on, what writes to the disk may fail. */
  readonly diskFails?: DiskFailure;
  /** From this effect on, Docker does not answer. */
  readonly dockerAwayFrom?: number;
}

/** A disk that has no room left, or that turned read-only. */
export interface DiskFailure {
  readonly from: number;
  readonly code: 'ENOSPC' | 'EDQUOT' | 'EROFS';
  /** Says of every write whether it fails. */
  readonly fails: () => boolean;
}

/** State files that can still be written to a full disk when the reserve is given up. */
const WRITES_OF_RESERVE = 40;

/**
 * Carries out one effect on the world, unless the power is gone; `half` is what is left of it when the
 * power goes in the middle.
 */
export type Effect = (change: () => void, half?: () => void, kind?: EffectKind) => Promise<void>;

/** A full disk still takes what frees room, and, from the reserve, state files; neither takes any room in memory. */
type EffectKind = 'writes' | 'frees' | 'state' | 'memory';

/**
 * A host whose every effect on the world can be the last one. Effects are as small as a crash can
 * make them: one container created, removed or renamed, half a checkout, one file.
 */
export function fakeHost(world: World, disturbance: Disturbance = {}): Host {
  const power = { off: false, shielded: false, stopped: false, reserve: 0 };
  const start = world.effects;
  const alive = (): void => {
    if (power.off) throw new PowerCut('power cut');
    if (power.stopped && !power.shielded) throw new Stopped('was stopped');
  };
  const failOnDisk = (count: number, kind: EffectKind): void => {
    const { from, code, fails } = disturbance.diskFails ?? { from: Infinity, code: 'EROFS' };
    if (count < from || kind === 'memory') return;
    const isFull = code !== 'EROFS';
    if (isFull && kind === 'frees') return;
    if (isFull && kind === 'state' && (power.reserve -= 1) >= 0) return;
    if (fails?.() === false) return;
    throw Object.assign(new Error(`${code}: the disk cannot be written`), { code });
  };
  const effect: Effect = async (change, half, kind = 'writes') => {
    const count = world.effects - start;
    if (count === disturbance.stopBefore) power.stopped = true;
    if (count === disturbance.cutBefore) power.off = true;
    if (count === disturbance.cutDuring && !power.off) {
      half?.();
      power.off = true;
    }
    alive();
    failOnDisk(count, kind);
    world.effects += 1;
    change();
  };
  const read = async <Value>(value: () => Value): Promise<Value> => {
    if (power.off) throw new PowerCut('power cut');
    return value();
  };
  const isAway = (): boolean => world.effects - start >= (disturbance.dockerAwayFrom ?? Infinity);
  const composeEffect: Effect = async (...args) => {
    if (isAway()) throw new Error('Cannot connect to the Docker daemon');
    noteTrespass(world, world.effects - start);
    await effect(...args);
  };
  const say = (text: string): void => void world.said.push(text);
  const state = fakeState(world, effect, read, () => void (power.reserve = WRITES_OF_RESERVE));
  return {
    git: fakeGit(world, effect, read),
    compose: fakeCompose(world, composeEffect, read),
    engine: withTowersStill(fakeDocker(world, { effect, read, isAway }), state),
    registries: { look: (questions) => read(() => fakeLook(world, questions)) },
    backups: fakeBackups(world, effect, read),
    history: undefined,
    swaps: fakeSwaps(world, effect, read),
    towerGuard: { arm: () => effect(() => {}, undefined, 'memory'), disarm: async () => {} },
    freezeGuard: { arm: () => effect(() => {}, undefined, 'memory'), disarm: async () => {} },
    state,
    log: { debug: say, info: say, warn: say, error: say, flush: async () => {} },
    probe: (url) => read(() => ({ url, ok: true, detail: 'HTTP 200' })),
    portIsFree: () => read(() => true),
    exists: () => read(() => true),
    disk: () => read(() => undefined),
    barrier: () => effect(() => {}),
    now: () => new Date(world.clockMs),
    random: () => 0.5,
    elapsedSeconds: () => world.elapsedMs / 1000,
    sleep: async (seconds) => {
      alive();
      world.clockMs += seconds * 1000;
      world.elapsedMs += seconds * 1000;
    },
    progress: () => {},
    announce: () => {},
    shieldFromSignals: () => void (power.shielded = true),
    obeySignals: () => void (power.shielded = false),
    interruptedBy: () => (power.stopped ? 'SIGTERM' : undefined),
    isStopping: () => power.stopped && !power.shielded,
  };
}

export type Read = <Value>(value: () => Value) => Promise<Value>;

function fakeGit(world: World, effect: Effect, read: Read): Host['git'] {
  return {
    directory: '/live',
    tip: () => read(() => world.tip),
    fetch: () => read(() => world.tip),
    fetchSubmodules: () => effect(() => {}),
    head: () => read(() => ({ commit: world.tree.commit, branch: 'embody-alpha' })),
    resolve: (name) => read(() => (name in world.releases ? name : undefined)),
    subject: (commit) => read(() => commit),
    isAncestor: (ancestor, descendant) => read(() => descends(world, descendant, ancestor)),
    dirtyFiles: () => read(() => (world.tree.locked ? ['half of a checkout'] : [])),
    locks: () => read(() => []),
    untrackedInTheWay: () => read(() => []),
    trackedPaths: () => read(() => []),
    changedPaths: (_from, to) =>
      read(() => [...(releaseOf(world, to).changedPaths ?? ['docker-compose.yml'])]),
    contentIds: (commit) => read(() => JSON.stringify(releaseOf(world, commit).contents ?? {})),
    stage: (commit) =>
      read(() => ({ commit, directory: `/staging/${commit}/live`, root: `/staging/${commit}` })),
    dropStagings: () => read(() => {}),
    checkout: async (commit) => {
      if (world.tree.locked) throw new Error('index.lock: File exists');
      await moveTree(world, effect, commit);
    },
    checkoutBack: (commit) => moveTree(world, effect, commit),
  };
}

/** A checkout that is cut off leaves its lock and some of the files. */
async function moveTree(world: World, effect: Effect, commit: string): Promise<void> {
  await effect(() => void (world.tree = { ...world.tree, locked: true, to: commit }));
  await effect(() => void (world.tree = { commit, locked: false }));
}

function descends(world: World, commit: string, ancestor: string): boolean {
  if (commit === ancestor) return true;
  const { parent } = releaseOf(world, commit);
  return parent !== undefined && descends(world, parent, ancestor);
}
