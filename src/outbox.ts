import { isWanted, isToBeTold, notificationOf, type Draft } from './core/notification.ts';
import { afterFailure, extraOf, inOrder, isDue, isOld, type Delivery } from './core/delivery.ts';
import { isFinal, stateOf } from './core/journal.ts';
import { secretValues } from './core/secret-values.ts';
import { begunDraft, endedDraft } from './core/told-transaction.ts';
import { targetName, type Target } from './config/notify-schema.ts';
import { engineDraft } from './engine-notice.ts';
import { messageOf } from './errors.ts';
import type { StateHost } from './host/host.ts';
import type { Log } from './host/log.ts';
import { SendError } from './host/send-error.ts';
import { forgetOldest, raise, readNotices, rememberTold, toldAt, type Notice } from './notices.ts';
import { readMaterial, readQuarantine, readTransaction } from './records.ts';
import { localTime } from './schedule.ts';
import { files } from './state-names.ts';

/** What delivering works with. */
export interface Outbox {
  readonly state: StateHost;
  readonly log: Log;
  readonly targets: readonly Target[];
  /** Names of this host and of the compose project. */
  readonly host: string;
  readonly project: string;
  readonly nowMs: () => number;
  /** @throws {SendError} or any other error where the target may not have it */
  readonly send: (target: Target, delivery: Delivery) => Promise<void>;
}

/**
 * Puts what happened on its way: one file for each target that wants it. Only then is it remembered that it was told,
 * and only then is the notice removed: cut off in between, the same files are written again, under the same names.
 */
export async function queueNotices(outbox: Outbox): Promise<void> {
  const { state } = outbox;
  const notices = await readNotices(state);
  // How transactions ended first: others that tell the same need not be told any more.
  const order: Readonly<Record<Notice['kind'], number>> = { transaction: 0, engine: 1, draft: 2 };
  const sorted = notices.toSorted(
    (left, right) => (order[left.notice.kind] ?? 3) - (order[right.notice.kind] ?? 3),
  );
  const secrets = new Set<string>();
  for (const { name, notice } of sorted) {
    const { drafts, rest, secret = [] } = await draftsOf(state, notice, outbox.nowMs());
    for (const value of secret) secrets.add(value);
    for (const draft of drafts) await queue(outbox, draft, [...secrets]);
    if (rest === undefined) await state.remove(`${files.untold}/${name}`);
    else if (rest !== notice) await raise(state, rest);
  }
  if (sorted.length > 0) await forgetOldest(state);
}

/** What a notice tells now; `rest`: what of it is to be told later. */
async function draftsOf(
  state: StateHost,
  notice: Notice,
  nowMs: number,
): Promise<{ drafts: readonly Draft[]; rest?: Notice; secret?: readonly string[] }> {
  switch (notice.kind) {
    case 'draft':
      return { drafts: [notice.draft], secret: await secretsOfLast(state) };
    case 'engine': {
      const draft = await engineDraft(state, notice);
      return draft === 'later' ? { drafts: [], rest: notice } : { drafts: draft ? [draft] : [] };
    }
    case 'transaction':
      return draftsOfTransaction(state, notice, nowMs);
    default:
      // Of another version of this program.
      return { drafts: [] };
  }
}

type TransactionNotice = Extract<Notice, { kind: 'transaction' }>;

const HOUR_MS = 3_600_000;

/** It has no line yet: it is just being begun by somebody else, or was cut off and is for recovery to end. */
async function isAboutToBegin(
  state: StateHost,
  { id, atMs }: TransactionNotice,
  nowMs: number,
): Promise<boolean> {
  const agoMs = nowMs - atMs;
  const isOpen = (await state.read(files.active))?.trim() === id;
  return isOpen || (agoMs >= 0 && agoMs < HOUR_MS);
}

async function draftsOfTransaction(
  state: StateHost,
  notice: TransactionNotice,
  nowMs: number,
): ReturnType<typeof draftsOf> {
  const transaction = await readTransaction(state, notice.id);
  if (transaction === undefined || transaction.entries.length === 0) {
    return (await isAboutToBegin(state, notice, nowMs))
      ? { drafts: [], rest: notice }
      : { drafts: [] };
  }
  const secret = await secretsOf(state, notice.id);
  const begun = notice.isBegunTold === true ? [] : [begunDraft(transaction)];
  if (!isFinal(stateOf(transaction.entries))) {
    return { drafts: begun, rest: { ...notice, isBegunTold: true }, secret };
  }
  const quarantined = await readQuarantine(state).catch(() => []);
  const isQuarantined = quarantined.some(({ transaction: id }) => id === notice.id);
  const ended = endedDraft(transaction, isQuarantined);
  return { drafts: [...begun, ...(ended ? [ended] : [])], secret };
}

/** The values that nobody should read, of both releases. */
async function secretsOf(state: StateHost, id: string): Promise<string[]> {
  const material = await readMaterial(state, id).catch(() => undefined);
  if (material === undefined) return [];
  return secretValues(material.oldModel, material.newModel);
}

async function secretsOfLast(state: StateHost): Promise<string[]> {
  const last = (await state.list(files.transactions)).at(-1);
  return last === undefined ? [] : secretsOf(state, last);
}

async function queue(outbox: Outbox, draft: Draft, secrets: readonly string[]): Promise<void> {
  const { state, host, project, targets } = outbox;
  const nowMs = outbox.nowMs();
  const toldAtMs = await toldAt(state, draft.about);
  if (!isToBeTold(draft.event, toldAtMs, nowMs)) return;
  const notification = notificationOf(draft, { host, project, secrets, toldAtMs });
  for (const target of targets.filter((one) => isWanted(draft.event, one.events))) {
    const name = targetName(target);
    const delivery: Delivery = {
      target: name,
      notification,
      queuedAtMs: nowMs,
      attempts: 0,
      notBeforeMs: nowMs,
    };
    await write(state, delivery);
  }
  for (const about of [draft.about, ...(draft.alsoAbout ?? [])]) {
    await rememberTold(state, about, nowMs);
  }
}

const fileOf = ({ target, notification }: Delivery): string =>
  `${files.outbox}/${notification.id}.${target}.json`;

const write = (state: StateHost, delivery: Delivery): Promise<void> =>
  state.write(fileOf(delivery), `${JSON.stringify(delivery)}\n`);

/** What is on its way, the oldest first. */
export async function readDeliveries(state: StateHost): Promise<Delivery[]> {
  const names = (await state.list(files.outbox)).filter((name) => name.endsWith('.json'));
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        const delivery = JSON.parse(
          (await state.read(`${files.outbox}/${name}`)) ?? '',
        ) as Delivery;
        const { id } = delivery.notification;
        return typeof id === 'string' && fileOf(delivery).endsWith(`/${name}`) ? [delivery] : [];
      } catch {
        return [];
      }
    }),
  );
  return inOrder(found.flat());
}

/**
 * Delivers what is due, to all targets at the same time and to each in order. Where one fails, what is behind it waits
 * as well: a target that hangs costs one time-out, and one more where something urgent, or new, waits behind.
 *
 * @param withinMs no delivery is begun after that
 * @param isForced a person does not want to wait until it is time again
 */
export async function deliver(outbox: Outbox, withinMs: number, isForced: boolean): Promise<void> {
  const deliveries = await readDeliveries(outbox.state);
  const endMs = performance.now() + withinMs;
  const names = [...new Set(deliveries.map(({ target }) => target))];
  await Promise.all(
    names.map(async (name) => {
      const own = deliveries.filter(({ target }) => target === name);
      const target = outbox.targets.find((one) => targetName(one) === name);
      if (target === undefined) {
        outbox.log.info(`notify: nobody is called ${name} any more: ${own.length} dropped`);
        for (const delivery of own) await outbox.state.remove(fileOf(delivery));
        return;
      }
      await deliverTo(outbox, target, own, { endMs, isForced });
    }),
  );
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
  await write(state, next);
  const text = `notify: ${delivery.target} was not told: ${problem}; tried again after ${localTime(new Date(next.notBeforeMs))}`;
  if (next.attempts === 1) log.warn(text);
  else log.info(text);
  return isRefused ? 'refused' : 'failed';
}
