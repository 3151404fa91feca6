/** What may be asked of the machine while Docker is being started. */
export interface StartHost {
  /** How its start goes. */
  start(): Promise<'waiting' | 'hangs' | 'over'>;
  /** Has one that hangs seen to, unless another run is at work; false where it is left to a person, who was told. */
  mend(): Promise<boolean>;
  /** @throws when it is to stop */
  pause(seconds: number): Promise<void>;
}

const BETWEEN_LOOKS_SECONDS = 5;

/**
 * Watches a start of Docker to its end. One that hangs is seen to, and what is started by that is watched, too, until it
 * is ready or a person is waited for.
 */
export async function watchStart(host: StartHost): Promise<'over' | 'left to a person'> {
  for (;;) {
    const start = await host.start();
    if (start === 'over') return 'over';
    if (start === 'hangs' && !(await host.mend())) return 'left to a person';
    await host.pause(BETWEEN_LOOKS_SECONDS);
  }
}
