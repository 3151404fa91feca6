import { loadLibc } from './native.ts';
import type { Wishes } from '../watch-loop.ts';

/** What signals ask of the update manager. */
export interface WatchSignals extends Wishes {
  /** The name of the signal that asked for a stop. */
  stoppedBy(): string | undefined;
  /** Waits for the time, or until a signal comes. */
  wait(seconds: number): Promise<void>;
  /** From now on called at each signal that asks for a stop, in place of whoever was before. */
  onStop(act: (() => void) | undefined): void;
}

const SIGUSR1 = 10;

/**
 * Listens for SIGTERM and SIGINT (leave), SIGUSR1 (a run now) and SIGHUP (the configuration). Node has its debugger
 * open at SIGUSR1: `--disable-sigusr1`, with which the update manager is started, blocks it from the very start,
 * and what came meanwhile is heard now.
 *
 * @param isHungUp whether a SIGHUP came because the terminal is gone: that asks for a stop
 */
export function listenForWishes(
  say: (what: string) => void,
  isHungUp: () => boolean = () => false,
): WatchSignals {
  const asked = { stop: undefined as string | undefined, run: false, reload: false };
  let wake: (() => void) | undefined;
  let act: (() => void) | undefined;
  const stop = (signal: string): void => {
    if (asked.stop === undefined)
      say(`${signal}: leaving; an update under way is finished or taken back first`);
    asked.stop ??= signal;
    act?.();
    wake?.();
  };
  const take = (what: 'run' | 'reload'): boolean => {
    const was = asked[what];
    asked[what] = false;
    return was;
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
  process.on('SIGUSR1', () => {
    say('SIGUSR1: a run is asked for');
    asked.run = true;
    wake?.();
  });
  process.on('SIGHUP', () => {
    if (isHungUp()) return stop('SIGHUP');
    asked.reload = true;
    wake?.();
  });
  loadLibc().unblock(SIGUSR1);
  return {
    isStopping: () => asked.stop !== undefined,
    stoppedBy: () => asked.stop,
    takeRun: () => take('run'),
    takeReload: () => take('reload'),
    onStop: (next) => void (act = next),
    wait: (seconds) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (asked.stop !== undefined || asked.run || asked.reload) wake();
      }),
  };
}
