import type { Config } from './config/schema.ts';
import { keptImages, type KeptImage } from './core/plan.ts';
import type { Transaction } from './core/journal.ts';
import { currentCommit, proposeSafely } from './detect.ts';
import { RefusedError } from './errors.ts';
import type { Host } from './host/host.ts';
import { short, type Outcome } from './outcome.ts';
import { withEffects } from './effect.ts';
import { preflight, refuseProblems } from './preflight.ts';
import { readDeployed, readNeedsOperator, readTransactions } from './records.ts';
import { recover } from './recover.ts';
import { transact } from './transact.ts';
import { stillLatched, transactionName } from './update.ts';

/**
 * Goes back to an earlier release because a person wants to. The same transaction as an update:
 * backup, apply, verify; and forward again to the present release when the earlier one fails.
 * The release that is left is quarantined with the commit, so that the timer does not bring it back.
 *
 * @param restores the backup whose data is brought, too
 */
export async function rollBackByHand(
  host: Host,
  config: Config,
  to: string | undefined,
  restores?: string,
): Promise<Outcome> {
  const latched = await readNeedsOperator(host.state);
  if (latched) return stillLatched(latched.reason, latched.transaction);
  const recovered = await recover(host, config);
  if (recovered?.result === 'needs operator') return recovered;
  const from = await currentCommit(host, await readDeployed(host.state));
  const past = await readTransactions(host.state);
  const target = to === undefined ? previous(past, from) : await findTarget(host, to);
  if (target === from && restores === undefined) {
    throw new RefusedError(
      `${short(target)} is what is deployed now`,
      'orchestrator-update history; only its data: orchestrator-update restore BACKUP --volumes',
    );
  }
  const name = transactionName(host.now(), target);
  const wish = {
    kind: 'rollback',
    from,
    to: target,
    name,
    backup: transactionName(host.now(), from),
    everything: true,
    allowRewind: true,
    keptImages: target === from ? [] : await imagesKeptFor(host, past, target),
    ...(restores === undefined ? {} : { restores }),
  } as const;
  try {
    const proposal = await withEffects(host, await proposeSafely(host, config, wish));
    refuseProblems((await preflight(host, config, proposal)).problems);
    return await transact(host, config, proposal, name);
  } finally {
    await host.git.dropStagings();
  }
}

/** The release before the present one: where the last committed change came from. */
function previous(past: readonly Transaction[], from: string): string {
  const last = past.find(
    ({ plan, entries }) => plan.to === from && entries.at(-1)?.state === 'COMMITTED',
  );
  if (last) return last.plan.from;
  throw new RefusedError(
    `no release before ${short(from)} is known on this host`,
    'orchestrator-update rollback --to COMMIT    # git log shows the commits',
  );
}

/** A backup's name stands for the commit it was made of. */
async function findTarget(host: Host, to: string): Promise<string> {
  const backup = (await host.backups.list()).find(({ name }) => name === to);
  const commit = await host.git.resolve(backup?.commit ?? to);
  if (commit !== undefined) return commit;
  throw new RefusedError(
    `there is no commit and no backup ${to}`,
    'orchestrator-update history; ls the backups directory; git log',
  );
}

/** The images that were kept when the target was left last, and still are. */
async function imagesKeptFor(
  host: Host,
  past: readonly Transaction[],
  target: string,
): Promise<readonly KeptImage[]> {
  const leaving = past.find(
    ({ plan, entries }) => plan.from === target && entries.at(-1)?.state === 'COMMITTED',
  );
  const kept = leaving ? keptImages(leaving.plan) : [];
  const ids = await Promise.all(kept.map(({ tag }) => host.engine.imageId(tag)));
  return kept.filter((_, index) => ids[index] !== undefined);
}
