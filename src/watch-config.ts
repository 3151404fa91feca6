import { notifySchema, targetName, type Target } from './config/notify-schema.ts';
import type { StateHost } from './host/host.ts';
import { files } from './state-names.ts';

/** Those who are told, the ones that only the update manager knows of included. */
interface Told {
  readonly targets: readonly Target[];
  /** What the update manager goes by cannot be read: somebody may be missing. */
  readonly isPartial: boolean;
}

/**
 * Adds whom the update manager tells to those of a configuration: what happens while it is at work, or was cut off, is
 * told to WEBHOOK_URL also by the commands of the host.
 */
export async function withManagerTargets(state: StateHost, own: readonly Target[]): Promise<Told> {
  try {
    const text = await state.read(files.watchConfig);
    if (text === undefined) return { targets: own, isPartial: false };
    const { notify } = JSON.parse(text) as { notify?: unknown };
    const names = new Set(own.map(targetName));
    const more = notifySchema.parse(notify).targets.filter((one) => !names.has(targetName(one)));
    return { targets: [...own, ...more], isPartial: false };
  } catch {
    return { targets: own, isPartial: true };
  }
}

/** Whether there may be somebody to tell what happens now; who it is is looked at when it is told. */
export async function isAnybodyTold(state: StateHost, own: readonly Target[]): Promise<boolean> {
  return own.length > 0 || (await state.read(files.watchConfig)) !== undefined;
}

/**
 * Removes what the runs of an update manager that has left went by. While something waits to be told, it stays: it is
 * all that is known of WEBHOOK_URL.
 */
export async function dropWatchConfig(state: StateHost): Promise<void> {
  for (const directory of [files.untold, files.outbox]) {
    const names = await state.list(directory);
    if (names.some((name) => name.endsWith('.json'))) return;
  }
  await state.remove(files.watchConfig);
  await state.remove(files.watchWebhook);
}
