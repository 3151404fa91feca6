import { jobsOf, type ComposeModel } from './core/compose-model.ts';
import type { Fingerprint } from './core/observe.ts';
import type { Material } from './records.ts';

/** A release that is brought up and judged. */
export interface Target {
  readonly model: ComposeModel;
  /** The release on the other side: what it alone has is taken away, or not asked for. */
  readonly otherModel: ComposeModel;
  readonly fingerprint: Fingerprint;
  /** Services that may end with 0 and stay ended. */
  readonly jobs: ReadonlySet<string>;
  /** Services that run with other settings than their release has, and are left so. */
  readonly leave: ReadonlySet<string>;
  /** Subjects that were not healthy before the update. */
  readonly baseline: readonly string[];
}

/** The old or the new release of a transaction. */
export function targetOf(material: Material, release: 'old' | 'new'): Target {
  const { oldModel, newModel, baseline, endedBefore } = material;
  const model = release === 'old' ? oldModel : newModel;
  return {
    model,
    otherModel: release === 'old' ? newModel : oldModel,
    fingerprint: release === 'old' ? material.oldFingerprint : material.newFingerprint,
    jobs: jobsOf(model, oldModel, endedBefore),
    leave: new Set(material.plan.leave),
    baseline,
  };
}
