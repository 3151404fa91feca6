import {
  reversed,
  type ContainerBefore,
  type EngineView,
} from '../../src/core/engine-transaction.ts';
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
  /** Process of a database that nobody restarts, and that ends well when it is stopped; 0 where it does not run. */
  db: number;
  isDbDone: boolean;
  /** Process of a service that Docker starts again by itself. */
  web: number;
  boot: number;
  held: readonly string[];
  readonly heldBefore: readonly string[];
  /** Packages were replaced, or begun to be. */
  wasTouched: boolean;
  kept: Set<Side>;
  latched: string | undefined;
  nowMs: number;
  /** Effects so far. */
  effects: number;
}

export const engineWorld = (heldBefore: readonly string[] = []): EngineWorld => ({
  files: new Map(),
  installed: 'old',
  runs: 'old',
  liveRestore: false,
  isLiveRestoreConfigured: false,
  db: 100,
  isDbDone: false,
  web: 200,
  boot: 1,
  held: heldBefore,
  heldBefore,
  wasTouched: false,
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
  /** dpkg fails, half way, with the packages of this side. */
  readonly doesNotInstall?: Side;
  /** The host shuts down from this effect on: Docker ends, too. */
  readonly stopAt?: number;
}

/** After a power cut everything starts with what is on the disk; a new engine that is bad does not. */
export function rebootEngine(world: EngineWorld, { isBad = false }: Fate): void {
  // Of a mixture, what was unpacked first may be dockerd.
  const side = world.installed === 'mixed' ? 'new' : world.installed;
  world.runs = side === 'new' && isBad ? undefined : side;
  world.liveRestore = world.isLiveRestoreConfigured;
  world.boot += 1;
  Object.assign(world, { db: 0, isDbDone: false, web: world.runs === undefined ? 0 : 2000 });
}

const nothing = (): void => {};

function container(name: string, pid: number, isDone: boolean): ContainerBefore {
  return { id: name, name, pid, startedAt: '', health: 'none', isDone };
}

const versions = { old: '26.1.5', new: '28.5.2' } as const;

/** A host whose every effect counts; half of what takes time is done where it is cut. */
export function fakeEngineHost(world: EngineWorld, fate: Fate = {}): UpgradeHost {
  let isGone = false;
  let isStopping = false;
  const effect = (half: () => void, whole: () => void): void => {
    if (isGone) throw new Gone();
    world.effects += 1;
    if (world.effects === fate.stopAt) {
      isStopping = true;
      world.runs = undefined;
    }
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
      containers: [container('db', world.db, world.isDbDone), container('web', world.web, false)],
      networks: ['bridge'],
      volumes: ['data'],
    };
  };
  const start = (): void => {
    const before = world.runs;
    world.runs = world.installed === 'mixed' ? undefined : world.installed;
    if (world.runs === 'new' && fate.isBad === true) world.runs = undefined;
    if (before !== undefined && !world.liveRestore) {
      Object.assign(world, { db: 0, isDbDone: world.db !== 0, web: 0 });
    }
    if (world.runs !== undefined) world.liveRestore = world.isLiveRestoreConfigured;
    if (world.runs === undefined || isStopping) {
      world.runs = undefined;
      throw new Error('docker.service does not start');
    }
    if (world.web === 0) world.web = 201;
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
    isStopping: () => isStopping,
    bootId: async () => String(world.boot),
    isLatched: async () => world.latched !== undefined,
    view: async () => view(),
    probe: async () => [
      world.runs === undefined
        ? { name: 'api', state: 'failed', detail: 'no answer', seconds: 0 }
        : { name: 'api', state: 'ok', detail: '', seconds: 0 },
    ],
    fetch: async (_id, _changes, side) => effect(nothing, () => void world.kept.add(side)),
    simulate: async (_id, _changes, side) => (side === 'new' ? [...changes] : reversed(changes)),
    install: async (_id, _changes, side) => {
      if (!world.kept.has(side)) throw new Error(`the ${side} packages are not on the disk`);
      world.wasTouched = true;
      if (fate.doesNotInstall === side) {
        world.installed = 'mixed';
        throw new Error('apt-get failed: no space left on device');
      }
      effect(
        () => void (world.installed = 'mixed'),
        () => {
          world.installed = side;
          // An installation ends the hold of what it installs.
          world.held = [];
        },
      );
    },
    installed: async () => {},
    isInstalled: async (_changes, side) => world.installed === side,
    held: async (names) => names.filter((name) => world.held.includes(name)),
    hold: async (names) =>
      effect(nothing, () => void (world.held = [...new Set([...world.held, ...names])])),
    unhold: async (names) =>
      effect(nothing, () => void (world.held = world.held.filter((one) => !names.includes(one)))),
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
    switchLiveRestoreOff: async () => {
      effect(nothing, () => {
        world.isLiveRestoreConfigured = false;
        world.liveRestore = false;
      });
      return undefined;
    },
    configProblem: async () => undefined,
    restart: async () => effect(() => void (world.runs = undefined), start),
    stopContainers: async () =>
      effect(nothing, () => Object.assign(world, { db: 0, isDbDone: true, web: 0 })),
    startEnded: async (_ids, areJobsToo) => {
      if (world.runs === undefined) return ['Docker does not answer'];
      effect(nothing, () => {
        if (world.db === 0 && (areJobsToo || !world.isDbDone)) world.db = 101;
        if (world.db !== 0) world.isDbDone = false;
        if (world.web === 0) world.web = 202;
      });
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
