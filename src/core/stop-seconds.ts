import type { Service } from './compose-model.ts';

/** How long Docker waits for a container to stop unless told otherwise, in seconds. */
const DEFAULT_STOP_SECONDS = 10;

/** How long the containers of a service may take to stop, in seconds. */
export function stopSeconds(service: Service | undefined): number {
  const text = service?.['stop_grace_period'];
  return typeof text === 'string' ? secondsIn(text) : DEFAULT_STOP_SECONDS;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** Seconds of a duration as compose prints it: `1m30s`. */
function secondsIn(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  return parts.reduce(
    (sum, [, number, unit = 's']) => sum + Number(number) * (UNIT_SECONDS[unit] ?? 0),
    0,
  );
}
