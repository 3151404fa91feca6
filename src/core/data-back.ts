import type { ComposeModel } from './compose-model.ts';
import { databaseDanger } from './database-image.ts';
import { own } from './own.ts';
import type { ServicePlan } from './service-plan.ts';

/** When the data of before the update comes back with the old release. */
export type VolumesBack = 'never' | 'if-migrated' | 'always';

/** On a service (`true`): where it is made anew, it changes the data so that an older release cannot use it. */
const MIGRATES_LABEL = 'orchestrator-update.migrates';

interface Input {
  readonly kind: 'update' | 'rollback';
  readonly before: ComposeModel;
  readonly after: ComposeModel;
  readonly volumesBack?: VolumesBack;
}

/** Whether going back from this release by itself is going back to the data of before it, too. */
export function bringsDataBack(
  { kind, before, after, volumesBack = 'never' }: Input,
  services: readonly ServicePlan[],
): boolean {
  if (kind !== 'update' || volumesBack === 'never') return false;
  if (volumesBack === 'always') return true;
  return services.some(({ service, action }) => {
    const now = own(after.services, service);
    if (now === undefined || action === 'untouched') return false;
    const labels = (now['labels'] ?? {}) as Readonly<Record<string, string>>;
    if (own(labels, MIGRATES_LABEL) === 'true') return true;
    const old = own(before.services, service);
    return old !== undefined && databaseDanger(old.image, now.image) !== undefined;
  });
}
