import { dropBeside } from './beside.ts';
import type { Config } from './config/schema.ts';
import { endedWithEngine } from './core/observe.ts';
import type { Host } from './host/host.ts';
import { nothingToDo, type Outcome } from './outcome.ts';
import { readDeployed } from './records.ts';
import { startAgain } from './start-again.ts';

/** How long Docker may take to answer after it was started. */
const ENGINE_WAIT_SECONDS = 60;
/** Docker starts by itself what is to be restarted, one after the other. */
const LOOKS = 5;
const BETWEEN_LOOKS_SECONDS = 1;

/**
 * Sees to what no transaction sees to: removes half of a backup that a power cut left when all was done,
 * and starts what Docker's own death ended and Docker does not start again: without live-restore, a dockerd
 * that is killed may leave containers ended although they are to run `unless-stopped`. What a person
 * stopped had ended before Docker began, and stays as it is.
 *
 * @returns undefined when there was nothing to mend
 */
export async function mendStopped(host: Host, config: Config): Promise<Outcome | undefined> {
  if (!(await host.engine.waitUntilUp(ENGINE_WAIT_SECONDS))) return undefined;
  await dropBeside(host, config);
  if ((await readDeployed(host.state)) === undefined) return undefined;
  const startup = await host.engine.startup();
  if (startup === undefined) return undefined;
  let left = endedWithEngine(await host.engine.containers(), startup);
  for (let look = 1; look < LOOKS && left.length > 0; look++) {
    await host.sleep(BETWEEN_LOOKS_SECONDS);
    left = endedWithEngine(await host.engine.containers(), startup);
  }
  if (left.length === 0) return undefined;
  const services = [...new Set(left.map(({ service }) => service))].toSorted();
  host.log.warn(`Docker was ended and left these ended, too: ${services.join(', ')}`);
  await startAgain(host, services);
  return nothingToDo(
    `started again in ${config.project_name}, after Docker had left them ended: ${services.join(', ')}`,
  );
}
