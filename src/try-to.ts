import { messageOf } from './errors.ts';
import type { Host } from './host/host.ts';

/** Does what is good to have done; where it cannot be, that is a warning. */
export async function tryTo(host: Host, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    host.log.warn(`left undone: ${messageOf(error)}`);
  }
}
