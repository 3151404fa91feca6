import { mayEnd } from './core/compose-model.ts';
import { downtimesIn, type Downtime } from './core/downtime.ts';
import { own } from './core/own.ts';
import { messageOf } from './errors.ts';
import type { Host } from './host/host.ts';
import type { Material } from './records.ts';

/** Ends the measuring, and says what came of it; undefined where Docker was not heard all the time. */
export type DowntimeMeter = () => Promise<readonly Downtime[] | undefined>;

/** Begins to measure how long services are away. What goes wrong with it is no matter of the run. */
export async function measureDowntime(host: Host): Promise<DowntimeMeter> {
  try {
    // First listened, then looked: what happens in between is told by both.
    const watch = host.engine.watchContainers();
    const before = await host.engine.containers();
    return async () => {
      const events = await watch.stop();
      return events && downtimesIn(before, events, host.now().getTime());
    };
  } catch (error) {
    host.log.debug(`how long services are away is not measured: ${messageOf(error)}`);
    return async () => undefined;
  }
}

/** What the journal says of it, of the services that the release has. */
export async function downtimeNote(
  { material, meter }: { readonly material: Material; readonly meter?: DowntimeMeter },
  release: 'old' | 'new',
): Promise<{ readonly downtime?: readonly Downtime[] }> {
  const all = await meter?.().catch(() => undefined);
  if (all === undefined) return {};
  const { services } = release === 'new' ? material.newModel : material.oldModel;
  return {
    downtime: all.filter(({ service, goesOn }) => {
      const definition = own(services, service);
      // A job that has ended is not away.
      return definition !== undefined && !(goesOn && mayEnd(definition));
    }),
  };
}
