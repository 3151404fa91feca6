import type { ComposeModel } from './compose-model.ts';
import type { ContentsChange } from './contents.ts';
import type { VolumesBack } from './data-back.ts';
import type { ImageDigest, MovedImage } from './moved-image.ts';
import type { Container } from './observe.ts';
import type { KeptImage, Plan, Strategy } from './plan.ts';
import type { ServicePlanInput } from './service-plan.ts';

/** The facts a plan is made of. */
export interface PlanInput {
  readonly kind: 'update' | 'rollback';
  /** Names the tags of kept images. */
  readonly name: string;
  readonly backup: string;
  readonly from: string;
  readonly to: string;
  readonly before: ComposeModel;
  readonly after: ComposeModel;
  /** Files that differ between the two commits, relative to the work tree. */
  readonly changedPaths: readonly string[];
  /** Services that read files which changed, whether or not their definition did. */
  readonly contents: readonly ContentsChange[];
  /** The same of the old release's services. */
  readonly contentsBefore: readonly ContentsChange[];
  /** Services whose build context holds a changed file, or that have no image yet. */
  readonly servicesToBuild: readonly string[];
  /** Images that running containers use now, by service. */
  readonly runningImages: readonly { service: string; reference: string; id: string }[];
  readonly moved?: readonly MovedImage[];
  /** By reference: what is pulled under the name, where it has to be another than its registry has. */
  readonly digests?: Readonly<Record<string, string>>;
  readonly left?: readonly ImageDigest[];
  readonly pins?: Plan['pins'];
  /** For a rollback by hand: the images kept when the target was left. */
  readonly keptImages?: readonly KeptImage[];
  readonly strategy: Strategy;
  readonly composeVersion: string;
  readonly containers: readonly Container[];
  /** Services with containers that the new release has behind a profile which is not active. */
  readonly dormant: readonly string[];
  readonly stale: ServicePlanInput['stale'];
  readonly imageVolumes: ServicePlanInput['imageVolumes'];
  /** The configuration hash compose gives each service of either release. */
  readonly hashesBefore: Readonly<Record<string, string>>;
  readonly hashesAfter: Readonly<Record<string, string>>;
  /** Image IDs on this host, by the references of the new model. */
  readonly imageIds: Readonly<Record<string, string>>;
  /** Whether services that run with other settings than their release has are mended on the way. */
  readonly repairsDrift: boolean;
  /** Apply every service, whether or not its model changed (`run --force`, a rollback). */
  readonly everything: boolean;
  /** The backup whose data is to be brought, too (`restore --volumes`). */
  readonly restores?: string;
  /** When the data of before comes back with the old release. */
  readonly volumesBack?: VolumesBack;
  readonly warnings: readonly string[];
}
