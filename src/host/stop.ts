import { InterruptedError } from '../errors.ts';

/** A stop that a signal asks for. */
export interface Stop {
  /** What to give to work that may be interrupted; undefined once that is no longer so. */
  readonly signal: () => AbortSignal | undefined;
  /** The name of the signal, if one came. */
  readonly requestedBy: () => string | undefined;
  /** From here on nothing is interrupted: a rollback has to be finished. */
  readonly shield: () => void;
  /** From here on a stop is obeyed again, one that came meanwhile as well. */
  readonly obey: () => void;
}

/** Listens for SIGTERM, SIGINT and SIGHUP. */
export function listenForStop(onStop: (signal: string) => void): Stop {
  const controller = new AbortController();
  let name: string | undefined;
  let shielded = false;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (name === undefined) onStop(signal);
      name ??= signal;
      controller.abort(new InterruptedError(signal));
    });
  }
  return {
    signal: () => (shielded ? undefined : controller.signal),
    requestedBy: () => name,
    shield: () => void (shielded = true),
    obey: () => void (shielded = false),
  };
}
