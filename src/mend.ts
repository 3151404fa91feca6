import { z } from 'zod';
import { dropBeside } from './beside.ts';
import type { Config } from './config/schema.ts';
import { endedWithEngine, stuckSince, type Container, type Startup } from './core/observe.ts';
import { messageOf } from './errors.ts';
import type { Host } from './host/host.ts';
import { nothingToDo, type Outcome } from './outcome.ts';
import { readDeployed } from './records.ts';
import { restartEngine, startAgain } from './start-again.ts';
import { files } from './state-names.ts';

/** How long Docker may take to answer after it was started. */
const ENGINE_WAIT_SECONDS = 60;
/** Docker starts by itself what is to be restarted, one after the other. */
const LOOKS = 5;
const BETWEEN_LOOKS_SECONDS = 1;
const MS_PER_DAY = 86_400_000;

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
  const { ended, stuck } = await leftBy(host, startup);
  const before = await readRestartedFor(host, stuck);
  const services = [...new Set([...ended, ...stuck])].toSorted();
  if (services.length === 0) return undefined;
  if (ended.length > 0) {
    host.log.warn(`Docker was ended and left these ended, too: ${ended.join(', ')}`);
  }
  if (stuck.length > 0 && before !== undefined) {
    await askForRepair(host, stuck, before);
    if (ended.length === 0) return undefined;
    await startAgain(host, ended);
    return startedAgain(host, config, ended);
  }
  if (stuck.length > 0) {
    const names = stuck.join(', ');
    host.log.warn(`Docker says that it restarts these, and does not: ${names}: it is restarted`);
    // Who is started with the next Docker must not restart it again.
    await writeRestartedFor(host, {
      stuck: [...stuck],
      atMs: host.now().getTime(),
      isAsked: false,
    });
    await restartEngine(host, services);
  } else {
    await startAgain(host, services);
  }
  return startedAgain(host, config, services);
}

function startedAgain(host: Host, config: Config, services: readonly string[]): Outcome {
  const summary = `started again in ${config.project_name}, after Docker had left them ended: ${services.join(', ')}`;
  const about = `started again ${host.now().getTime()}`;
  return { ...nothingToDo(summary), tells: { event: 'recovered', about } };
}

/** The services that Docker has left: looked at again for a while, since it starts by itself what it knows of. */
async function leftBy(
  host: Host,
  startup: Startup,
): Promise<{ readonly ended: readonly string[]; readonly stuck: readonly string[] }> {
  let stuckAlways: readonly string[] | undefined;
  for (let look = 1; ; look++) {
    const containers = await host.engine.containers();
    const ended = endedWithEngine(containers, startup);
    const now = stuckSince(containers, startup);
    stuckAlways = (stuckAlways ?? now.map(({ id }) => id)).filter((id) =>
      now.some((one) => one.id === id),
    );
    const stuck = now.filter(({ id }) => stuckAlways?.includes(id));
    if (look === LOOKS || ended.length + stuck.length === 0) {
      return { ended: servicesOf(ended), stuck: servicesOf(stuck) };
    }
    await host.sleep(BETWEEN_LOOKS_SECONDS);
  }
}

/** For which services Docker was restarted, and when. */
const restartedSchema = z.object({
  stuck: z.array(z.string()),
  atMs: z.number(),
  /** It did not help, and the engine is to be repaired. */
  isAsked: z.boolean().default(false),
});
type RestartedFor = z.output<typeof restartedSchema>;

/** For the same services it is restarted once a day: where that does not help, it never will. */
async function readRestartedFor(
  host: Host,
  stuck: readonly string[],
): Promise<RestartedFor | undefined> {
  try {
    const text = (await host.state.read(files.restartedFor)) ?? '';
    const before = restartedSchema.parse(JSON.parse(text));
    const isRecent = host.now().getTime() - before.atMs < MS_PER_DAY;
    return isRecent && stuck.every((service) => before.stuck.includes(service))
      ? before
      : undefined;
  } catch {
    return undefined;
  }
}

const writeRestartedFor = ({ state }: Host, restarted: RestartedFor): Promise<void> =>
  state.write(files.restartedFor, `${JSON.stringify(restarted)}\n`);

/** Docker has lost what still runs of them: the next run of the service has the engine's unit end that, once a day. */
async function askForRepair(
  host: Host,
  stuck: readonly string[],
  before: RestartedFor,
): Promise<void> {
  const what = `Docker says that it restarts these, and does not, also after its restart: ${stuck.join(', ')}`;
  if (before.isAsked) {
    host.log.warn(`${what}; type: orchestrator-update engine repair`);
    return;
  }
  await host.state.write(files.engineStuck, `${JSON.stringify({ stuck })}\n`);
  await writeRestartedFor(host, { ...before, isAsked: true });
  host.log.warn(`${what}; the next run of the service has the engine repaired`);
}

function servicesOf(containers: readonly Container[]): string[] {
  return [...new Set(containers.map(({ service }) => service))].toSorted();
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
