/** How a start goes, and how often systemd has started Docker again by itself so far. */
export interface StartSeen {
  readonly how: 'waiting' | 'hangs' | 'over';
  readonly restarts: number;
}

/** What may be asked of the machine while Docker is being started. */
export interface StartHost {
  /** How its start goes. */
  start(): Promise<StartSeen>;
  /** Has one that hangs seen to, unless another run is at work; false where it is left to a person, who was told. */
  mend(): Promise<boolean>;
  /** @throws when it is to stop */
  pause(seconds: number): Promise<void>;
}

const BETWEEN_LOOKS_SECONDS = 5;
/** One that takes its time to fail is started again for ever: systemd only counts starts that follow each other soon. */
const MANY_RESTARTS = 5;

/**
 * Watches a start of Docker to its end. One that hangs, or fails again and again, is seen to, and what is started by that is watched, too, until it
 * is ready or a person is waited for.
 */
export async function watchStart(host: StartHost): Promise<'over' | 'left to a person'> {
  let seen = await host.start();
  for (let first = seen.restarts; ; seen = await host.start()) {
    if (seen.how === 'over') return 'over';
    if (seen.how === 'hangs' || seen.restarts - first >= MANY_RESTARTS) {
      if (!(await host.mend())) return 'left to a person';
      first = seen.restarts;
    }
    await host.pause(BETWEEN_LOOKS_SECONDS);
  }
}
