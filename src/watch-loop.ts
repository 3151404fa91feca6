import { exitCodes, type ExitCode } from './exit-codes.ts';

/** What may be asked of the machine by the loop of the update manager. */
export interface WatchHost {
  /**
   * Runs once, to its end; a stop that comes meanwhile reaches it.
   *
   * @returns its exit code; undefined where it was killed
   */
  run(): Promise<number | undefined>;
  /** Reads the configuration anew; says so itself where that goes wrong. */
  reload(): Promise<void>;
  /** Sees to what is to be done between two runs. @throws {RefusedError} where none may be begun here */
  beforeRun(): Promise<void>;
  /** Whether something that was begun is for the next run to finish, or to take back; not while a person is waited for. */
  isUnfinished(): boolean;
  /** Waits for the time, or until something is asked for. */
  wait(seconds: number): Promise<void>;
  elapsedSeconds(): number;
  readonly wishes: Wishes;
}

/** What signals have asked for. */
export interface Wishes {
  isStopping(): boolean;
  /** Whether a run was asked for since this was asked last. */
  takeRun(): boolean;
  /** Whether a reload was asked for since this was asked last. */
  takeReload(): boolean;
}

/** Another run has the lock, or one left something unfinished: that is not to wait for a long interval. */
const SOON_SECONDS = 60;

/**
 * One run after the other until a stop is asked for: the first at once, which also sees to what was cut off, each
 * other after the interval, or when one is asked for. One that is asked for during a run follows it.
 *
 * @returns what the process exits with: what its last run says, whenever the stop came
 */
export async function watchLoop(host: WatchHost, intervalSeconds: number): Promise<ExitCode> {
  const { wishes } = host;
  let exitCode: number | undefined = exitCodes.done;
  while (!wishes.isStopping()) {
    if (wishes.takeReload()) await host.reload();
    await host.beforeRun();
    if (wishes.isStopping()) break;
    exitCode = await host.run();
    if (wishes.isStopping()) break;
    await untilNext(
      host,
      isSoon(exitCode) || host.isUnfinished()
        ? Math.min(SOON_SECONDS, intervalSeconds)
        : intervalSeconds,
    );
  }
  return whenLeaving(exitCode);
}

const isSoon = (exitCode: number | undefined): boolean =>
  exitCode === undefined || exitCode === exitCodes.locked;

async function untilNext(host: WatchHost, seconds: number): Promise<void> {
  const { wishes } = host;
  const dueAt = host.elapsedSeconds() + seconds;
  for (;;) {
    if (wishes.isStopping() || wishes.takeRun()) return;
    if (wishes.takeReload()) await host.reload();
    const left = dueAt - host.elapsedSeconds();
    if (left <= 0) return;
    await host.wait(left);
  }
}

/** A run that was stopped and taken back is a good end; one that needs a person is not. */
function whenLeaving(exitCode: number | undefined): ExitCode {
  switch (exitCode) {
    case exitCodes.rolledBack:
    case exitCodes.operator:
      return exitCode;
    case undefined:
      return exitCodes.failed;
    default:
      return exitCodes.done;
  }
}
