import { isWanted, isToBeTold, notificationOf, type Draft } from './core/notification.ts';
import { inOrder, type Delivery } from './core/delivery.ts';
import { isFinal, stateOf } from './core/journal.ts';
import { secretValues } from './core/secret-values.ts';
import { begunDraft, endedDraft } from './core/told-transaction.ts';
import { targetName, type Target } from './config/notify-schema.ts';
import { engineDraft } from './engine-notice.ts';
import { codeOf, messageOf } from './errors.ts';
import type { StateHost } from './host/host.ts';
import type { Log } from './host/log.ts';
import {
  forgetOldest,
  raise,
  readNotices,
  rememberTold,
  removeUnusable,
  toldAt,
  type Notice,
} from './notices.ts';
import { readImageQuarantine } from './image-records.ts';
import { readMaterial, readQuarantine, readTransaction } from './records.ts';
import { files } from './state-names.ts';

/** What delivering works with. */
export interface Outbox {
  readonly state: StateHost;
  readonly log: Log;
  readonly targets: readonly Target[];
  /** Somebody may be missing among them: nothing is removed since nobody is there for it. */
  readonly isPartial?: boolean;
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
  const { state, log, targets } = outbox;
  const warn = (text: string): void => log.warn(text);
  const notices = await readNotices(state, warn);
  if (targets.length === 0) {
    if (outbox.isPartial === true) return;
    // The engine's unit does not know that, and writes it down.
    for (const { name } of notices) await state.remove(`${files.untold}/${name}`);
    return;
  }
  // How transactions ended first: others that tell the same need not be told any more.
  const order: Readonly<Record<Notice['kind'], number>> = { transaction: 0, engine: 1, draft: 2 };
  const sorted = notices.toSorted(
    (left, right) => order[left.notice.kind] - order[right.notice.kind],
  );
  const secrets = new Set<string>();
  for (const { name, notice } of sorted) {
    try {
      await queueNotice(outbox, name, notice, secrets);
    } catch (error) {
      // What the disk refuses today is there tomorrow.
      if (codeOf(error) === undefined) await removeUnusable(state, name, error, warn);
      else warn(`notify: ${files.untold}/${name} cannot be told now: ${messageOf(error)}`);
    }
  }
  if (sorted.length > 0) await forgetOldest(state);
}

async function queueNotice(
  outbox: Outbox,
  name: string,
  notice: Notice,
  secrets: Set<string>,
): Promise<void> {
  const { state } = outbox;
  const { drafts, rest, secret = [] } = await draftsOf(state, notice, outbox.nowMs());
  for (const value of secret) secrets.add(value);
  for (const draft of drafts) await queue(outbox, draft, [...secrets]);
  if (rest === undefined) await state.remove(`${files.untold}/${name}`);
  else if (rest !== notice) await raise(state, rest);
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
  const quarantined = [
    ...(await readQuarantine(state).catch(() => [])),
    ...(await readImageQuarantine(state)),
  ];
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
    await writeDelivery(state, delivery);
  }
  for (const about of [draft.about, ...(draft.alsoAbout ?? [])]) {
    await rememberTold(state, about, nowMs);
  }
}

/** Where one is kept. */
export const fileOf = ({ target, notification }: Delivery): string =>
  `${files.outbox}/${notification.id}.${target}.json`;

export const writeDelivery = (state: StateHost, delivery: Delivery): Promise<void> =>
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
