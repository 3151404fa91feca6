import { ENGINE_UNIT, startEngineUnit } from '../argv/engine-upgrade.ts';
import type { Invocation } from '../command-table.ts';
import { OperatorError } from '../errors.ts';
import { exec } from '../host/exec.ts';
import { systemdRuns } from '../host/systemd-runs.ts';
import { isEngineCutOff, withLock, type Door } from './context.ts';

const EXTEND_SECONDS = 180;
const EXTEND_EACH_MS = 60_000;
/** The old packages are brought back, and the daemons restarted, or a new engine is watched. */
const UNIT_SECONDS = 7 * 86_400;

/**
 * Has the engine's unit see to a change of the engine that was cut off. Our own sandbox would not let us, and nothing
 * else can be judged on an engine that is between two releases.
 *
 * @throws {RunUnderWayError} where it is not cut off but under way
 * @throws {OperatorError} where it is unfinished still
 */
export async function engineFirst(invocation: Invocation, door: Door): Promise<void> {
  await withLock(invocation, async () => {});
  if (!systemdRuns()) {
    throw new OperatorError(
      'a change of the engine of this host was cut off, and only the host itself can see to it',
      `systemctl start ${ENGINE_UNIT}    # on the host, not in a container`,
    );
  }
  await whileExtended(door, 'a change of the engine was cut off: it is seen to', () =>
    exec(startEngineUnit, { timeoutSeconds: UNIT_SECONDS, accept: [1] }),
  );
  if (!isEngineCutOff(invocation)) return;
  throw new OperatorError(
    'a change of the engine is unfinished, and nothing is begun before it is',
    `journalctl -u ${ENGINE_UNIT} -n 50; systemctl reset-failed ${ENGINE_UNIT}; systemctl start ${ENGINE_UNIT}`,
  );
}

/** Tells systemd that things go on while another unit is at work for us. */
export async function whileExtended(
  { notifier }: Door,
  status: string,
  act: () => Promise<unknown>,
): Promise<void> {
  const extend = (): void => {
    notifier.status(status);
    notifier.extend(EXTEND_SECONDS);
  };
  extend();
  const timer = setInterval(extend, EXTEND_EACH_MS);
  try {
    await act();
  } finally {
    clearInterval(timer);
  }
}
