import type { Config } from './config/schema.ts';
import type { Plan } from './core/plan.ts';
import type { Host } from './host/host.ts';
import { pruneTransactions } from './records.ts';
import { pruneReplaced, tagsToKeep } from './replaced-images.ts';
import { tryTo } from './try-to.ts';

/** How many transactions `history` remembers. */
const TRANSACTIONS_KEPT = 100;

/** What is left over once a release is committed. Nothing of it can change the outcome. */
export async function tidy(host: Host, config: Config, plan: Plan): Promise<void> {
  if (plan.verdict !== 'nothing') {
    await tryTo(host, async () => host.engine.dropKeptTags(await tagsToKeep(host, plan)));
    await tryTo(host, () => pruneReplaced(host, config, plan));
  }
  await tryTo(host, async () => {
    const used = plan.restores === undefined ? [] : [`${config.backups_dir}/${plan.restores}`];
    const inUse = [...(await host.engine.mountedPaths()), ...used];
    const gone = await host.backups.prune(config.backup.keep, inUse);
    if (gone.length > 0) host.log.info(`old backups removed: ${gone.join(', ')}`);
  });
  await tryTo(host, () => pruneTransactions(host.state, TRANSACTIONS_KEPT));
}
