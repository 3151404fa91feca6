import type { EngineView } from '../../src/core/engine-transaction.ts';
import type { PackageChange } from '../../src/core/engine-upgrade.ts';
import type { Side, UpgradeHost } from '../../src/host/upgrade-host.ts';

export const changes: readonly PackageChange[] = [
  { name: 'docker.io', from: '26.1.5-1', to: '28.5.2-1' },
  { name: 'containerd', from: '1.7.24-1', to: '2.1.9-1' },
  { name: 'tini', from: '0.19-1', to: undefined },
  { name: 'tini-static', from: undefined, to: '0.19-6' },
];

/** A machine with an engine: what is on its disk, and what runs. */
export interface EngineWorld {
  readonly files: Map<string, string>;
  /** `mixed`: dpkg was cut off. */
  installed: Side | 'mixed';
  /** What runs; undefined where dockerd does not. */
  runs: Side | undefined;
  liveRestore: boolean;
  /** As daemon.json has it. */
  isLiveRestoreConfigured: boolean;
  /** Of the one container there is; 0 where it does not run. */
  pid: number;
  held: readonly string[];
  kept: Set<Side>;
  latched: string | undefined;
  nowMs: number;
  /** Effects so far. */
  effects: number;
}

export const engineWorld = (): EngineWorld => ({
  files: new Map(),
  installed: 'old',
  runs: 'old',
  liveRestore: false,
  isLiveRestoreConfigured: false,
  pid: 100,
  held: [],
  kept: new Set(),
  latched: undefined,
  nowMs: 0,
  effects: 0,
});

/** The machine, or our process, is gone. */
export class Gone extends Error {}

/** How the new engine is. */
export interface Fate {
  /** We are gone before, or in the middle of, this effect. */
  readonly cutAt?: number;
  /** The new dockerd does not start. */
  readonly isBad?: boolean;
}

/** After a power cut everything starts with what is on the disk; a new engine that is bad does not. */
export function rebootEngine(world: EngineWorld, { isBad = false }: Fate): void {
  const side = world.installed === 'mixed' ? undefined : world.installed;
  world.runs = side === 'new' && isBad ? undefined : side;
  world.liveRestore = world.isLiveRestoreConfigured;
  world.pid = world.runs === undefined ? 0 : world.pid + 1000;
}

const nothing = (): void => {};

const versions = { old: '26.1.5', new: '28.5.2' } as const;

/** A host whose every effect counts; half of what takes time is done where it is cut. */
export function fakeEngineHost(world: EngineWorld, fate: Fate = {}): UpgradeHost {
  let isGone = false;
  const effect = (half: () => void, whole: () => void): void => {
    if (isGone) throw new Gone();
    world.effects += 1;
    if (world.effects === fate.cutAt) {
      isGone = true;
      half();
      throw new Gone();
    }
    whole();
  };
  const view = (): EngineView => {
    if (world.runs === undefined) throw new Error('Docker does not answer');
    return {
      version: versions[world.runs],
      oldestApi: '1.24',
      storageDriver: 'overlay2',
      imageStore: 'docker',
      liveRestore: world.liveRestore,
      isSwarm: false,
      containers: [{ id: 'a', name: 'db', pid: world.pid, startedAt: '', health: 'none' }],
      networks: ['bridge'],
      volumes: ['data'],
    };
  };
  const start = (): void => {
    const before = world.runs;
    world.runs = world.installed === 'mixed' ? undefined : world.installed;
    if (world.runs === 'new' && fate.isBad === true) world.runs = undefined;
    if (before !== undefined && !world.liveRestore) world.pid = 0;
    if (world.runs !== undefined) world.liveRestore = world.isLiveRestoreConfigured;
    if (world.runs === undefined) throw new Error('docker.service does not start');
  };
  const state = {
    read: async (name: string) => world.files.get(name),
    write: async (name: string, text: string) =>
      effect(nothing, () => void world.files.set(name, text)),
    remove: async (name: string) => effect(nothing, () => void world.files.delete(name)),
  } as unknown as UpgradeHost['state'];
  return {
    state,
    log: {
      info: nothing,
      warn: nothing,
      error: nothing,
      debug: nothing,
    } as unknown as UpgradeHost['log'],
    now: () => new Date((world.nowMs += 1000)),
    pause: async (seconds) => void (world.nowMs += seconds * 1000),
    isStopping: () => false,
    view: async () => view(),
    probe: async () => [
      world.runs === undefined
        ? { name: 'api', state: 'failed', detail: 'no answer', seconds: 0 }
        : { name: 'api', state: 'ok', detail: '', seconds: 0 },
    ],
    fetch: async (_id, _changes, side) => effect(nothing, () => void world.kept.add(side)),
    simulate: async () => [...changes],
    install: async (_id, _changes, side) => {
      if (!world.kept.has(side)) throw new Error(`the ${side} packages are not on the disk`);
      effect(
        () => void (world.installed = 'mixed'),
        () => void (world.installed = side),
      );
    },
    installed: async () => {},
    isInstalled: async (_changes, side) => world.installed === side,
    hold: async (names) => effect(nothing, () => void (world.held = names)),
    snapshot: async () => effect(nothing, nothing),
    restoreConfig: async (_id, isOurs) =>
      effect(nothing, () => void (world.isLiveRestoreConfigured = isOurs)),
    switchLiveRestoreOn: async () => {
      effect(
        () => void (world.isLiveRestoreConfigured = true),
        () => {
          world.isLiveRestoreConfigured = true;
          world.liveRestore = true;
        },
      );
      return true;
    },
    switchLiveRestoreOff: async () =>
      effect(nothing, () => {
        world.isLiveRestoreConfigured = false;
        world.liveRestore = false;
      }),
    configProblem: async () => undefined,
    restart: async () => effect(() => void (world.runs = undefined), start),
    stopContainers: async () => effect(nothing, () => void (world.pid = 0)),
    startEnded: async () => {
      if (world.runs === undefined) return ['Docker does not answer'];
      effect(nothing, () => void (world.pid = world.pid === 0 ? 1 : world.pid));
      return [];
    },
    repair: async () => {
      effect(nothing, start);
      return [];
    },
    latch: async (reason) => effect(nothing, () => void (world.latched = reason)),
    forget: async (ids) => effect(nothing, () => void (ids.length === 0 && world.kept.clear())),
  };
}
