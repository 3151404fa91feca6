import { targetName, type Target } from './config/notify-schema.ts';
import { afterFailure, extraOf, isDue, isOld, type Delivery } from './core/delivery.ts';
import { messageOf } from './errors.ts';
import { SendError } from './host/send-error.ts';
import { fileOf, readDeliveries, writeDelivery, type Outbox } from './outbox.ts';
import { localTime } from './schedule.ts';
import { files } from './state-names.ts';

/**
 * Delivers what is due, to all targets at the same time and to each in order. Where one fails, what is behind it waits
 * as well: a target that hangs costs one time-out, and one more where something urgent, or new, waits behind.
 *
 * @param withinMs no delivery is begun after that
 * @param isForced a person does not want to wait until it is time again
 */
export async function deliver(outbox: Outbox, withinMs: number, isForced: boolean): Promise<void> {
  const deliveries = await readDeliveries(outbox.state);
  await removeDamaged(outbox, deliveries);
  const endMs = performance.now() + withinMs;
  const names = [...new Set(deliveries.map(({ target }) => target))];
  await Promise.all(
    names.map(async (name) => {
      const own = deliveries.filter(({ target }) => target === name);
      const target = outbox.targets.find((one) => targetName(one) === name);
      if (target === undefined) {
        if (outbox.isPartial === true) return;
        outbox.log.info(`notify: nobody is called ${name} any more: ${own.length} dropped`);
        for (const delivery of own) await outbox.state.remove(fileOf(delivery));
        return;
      }
      await deliverTo(outbox, target, own, { endMs, isForced });
    }),
  );
}

/** Nothing can be made of it, and each run would look at it again. */
async function removeDamaged(
  { state, log }: Outbox,
  deliveries: readonly Delivery[],
): Promise<void> {
  const known = new Set(deliveries.map(fileOf));
  const names = (await state.list(files.outbox)).filter((name) => name.endsWith('.json'));
  for (const file of names.map((name) => `${files.outbox}/${name}`)) {
    if (known.has(file)) continue;
    log.warn(`notify: ${file} is damaged, and is removed`);
    await state.remove(file);
  }
}

interface Limits {
  readonly endMs: number;
  readonly isForced: boolean;
}

async function deliverTo(
  outbox: Outbox,
  target: Target,
  own: readonly Delivery[],
  { endMs, isForced }: Limits,
): Promise<void> {
  const nowMs = outbox.nowMs();
  let isThere = false;
  for (const [index, delivery] of own.entries()) {
    if (performance.now() >= endMs) return;
    const isRefused = delivery.refusals !== undefined;
    // What was kept back by a target that was away need not wait for its own time.
    const mayBeTried: boolean = isForced || isDue(delivery, nowMs) || (isThere && !isRefused);
    // It waits by itself, and keeps back nothing.
    if (!mayBeTried && isRefused) continue;
    const result: Result | 'waits' = mayBeTried
      ? await deliverOne(outbox, target, delivery)
      : 'waits';
    isThere ||= result === 'told';
    if (result === 'told' || result === 'refused') continue;
    const behind = await leftBehind(outbox, own.slice(index), result);
    // What fails for the first time is as new as what is behind it.
    if (result === 'failed' && delivery.attempts === 0) return;
    const extra = extraOf(behind, nowMs, mayBeTried && !isThere);
    if (extra === undefined || performance.now() >= endMs) return;
    const end = await deliverOne(outbox, target, extra);
    await leftBehind(outbox, behind.slice(behind.indexOf(extra)), end);
    return;
  }
}

type Result = 'told' | 'refused' | 'failed' | 'given up';

/** With one that is given up goes what is as old: a target that is away for good keeps no more than some days. */
async function leftBehind(
  { state, log, nowMs }: Outbox,
  [tried, ...behind]: readonly Delivery[],
  result: Result | 'waits',
): Promise<readonly Delivery[]> {
  const old = result === 'given up' ? behind.filter((one) => isOld(one, nowMs())) : [];
  for (const one of old) await state.remove(fileOf(one));
  if (old.length > 0)
    log.warn(`notify: ${tried?.target}: ${old.length} more that are as old are given up with it`);
  return behind.filter((one) => !old.includes(one));
}

async function deliverOne(outbox: Outbox, target: Target, delivery: Delivery): Promise<Result> {
  const { state, log } = outbox;
  try {
    await outbox.send(target, delivery);
  } catch (error) {
    return postpone(outbox, delivery, error);
  }
  // Cut off here, it is sent once more, with the same id.
  await state.remove(fileOf(delivery));
  log.info(`notify: ${delivery.target} was told: ${delivery.notification.title}`);
  return 'told';
}

async function postpone(outbox: Outbox, delivery: Delivery, error: unknown): Promise<Result> {
  const { state, log } = outbox;
  const problem = messageOf(error);
  const { retryAfterSeconds, isRefused } =
    error instanceof SendError ? error : { retryAfterSeconds: 0, isRefused: false };
  const failure = { problem, retryAfterSeconds, isRefused };
  const next = afterFailure(delivery, failure, outbox.nowMs());
  if (next === undefined) {
    await state.remove(fileOf(delivery));
    log.warn(
      `notify: ${delivery.target} was not told, and it is given up: ${delivery.notification.title}: ${problem}`,
    );
    return isRefused ? 'refused' : 'given up';
  }
  await writeDelivery(state, next);
  const text = `notify: ${delivery.target} was not told: ${problem}; tried again after ${localTime(new Date(next.notBeforeMs))}`;
  if (next.attempts === 1) log.warn(text);
  else log.info(text);
  return isRefused ? 'refused' : 'failed';
}
