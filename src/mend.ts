import { dropBeside } from './beside.ts';
import type { Config } from './config/schema.ts';
import { endedWithEngine, type Startup } from './core/observe.ts';
import { messageOf } from './errors.ts';
import type { Host } from './host/host.ts';
import { nothingToDo, type Outcome } from './outcome.ts';
import { readDeployed } from './records.ts';
import { startAgain } from './start-again.ts';

/** How long Docker may take to answer after it was started. */
const ENGINE_WAIT_SECONDS = 60;
/** Docker starts by itself what is to be restarted, one after the other. */
const LOOKS = 5;
const BETWEEN_LOOKS_SECONDS = 1;

/** How many ends of Docker, one after the other, are seen to by one run. */
const LIVES = 5;

/**
 * Sees to what no transaction sees to: removes half of a backup that a power cut left when all was done,
 * and starts what Docker's own death ended and Docker does not start again: without live-restore, a dockerd
 * that is killed may leave containers ended although they are to run `unless-stopped`. What a person
 * stopped had ended before Docker began, and stays as it is.
 *
 * @returns undefined when there was nothing to mend
 */
export async function mendStopped(host: Host, config: Config): Promise<Outcome | undefined> {
  let mended: Outcome | undefined;
  for (let life = 1; ; life++) {
    const incarnation = await host.engine.incarnation();
    // Who would be started with the next Docker is this run: one that ends meanwhile is seen to here.
    const isLast = async (): Promise<boolean> =>
      life === LIVES || incarnation === (await host.engine.incarnation());
    try {
      mended = (await mendOnce(host, config)) ?? mended;
      if (await isLast()) return mended;
    } catch (error) {
      if (await isLast()) throw error;
      host.log.warn(`Docker was ended meanwhile: ${messageOf(error)}`);
    }
  }
}

async function mendOnce(host: Host, config: Config): Promise<Outcome | undefined> {
  if (!(await host.engine.waitUntilUp(ENGINE_WAIT_SECONDS))) return undefined;
  await dropBeside(host, config);
  if ((await readDeployed(host.state)) === undefined) return undefined;
  const startup = await startupOf(host);
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

/** Docker answers a moment before it says that it has started. */
async function startupOf({ engine, sleep }: Host): Promise<Startup | undefined> {
  let startup = await engine.startup();
  for (let look = 1; look < ENGINE_WAIT_SECONDS && startup === 'under way'; look++) {
    await sleep(1);
    startup = await engine.startup();
  }
  return startup === 'under way' ? undefined : startup;
}
