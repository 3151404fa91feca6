import { isWithin } from './contents.ts';
import type { Volume } from './backup-scope.ts';
import type { ComposeModel } from './compose-model.ts';
import { bindsOf } from './mounts.ts';

/** Two directories of one filesystem that change places: live data, and data of a backup. */
export interface Swap {
  /** What a person knows it by. */
  readonly subject: string;
  /** The directory that containers have mounted. */
  readonly live: string;
  /** Beside it: what comes from the backup, and after the exchange what was replaced. */
  readonly other: string;
  /** Where in the backup its data is. */
  readonly place: string;
  /** Docker's name of the volume that `other` is the data of; undefined where it is a mere directory. */
  readonly volume?: string | undefined;
}

/** On volumes that were made beside one that is restored: its name. */
export const REPLACED_LABEL = 'orchestrator-update.replaced';
/** As rsync matches it: directories of ours beside those of the work tree, in no backup. */
export const REPLACED_PATTERN = '*.replaced-[0-9]*Z-*';

/**
 * The name of the volume that holds what a restore replaces in another.
 *
 * @param id of the transaction
 */
export const replacedVolume = (name: string, id: string): string => `${name}_replaced_${id}`;

/** The same for a directory. */
export const replacedDirectory = (path: string, id: string): string => `${path}.replaced-${id}`;

/** Whether a volume is a directory somewhere else, which Docker only mounts at the volume's place. */
export function deviceOf({ options }: Volume): string | undefined {
  return options['device'];
}

/**
 * The directories of the work tree that hold data of the cluster: services write to them, and git has
 * nothing in them. Of those that lie in each other the outermost.
 *
 * @param tracked the paths that git has, relative to the work tree
 */
export function dataDirectories(
  model: ComposeModel,
  workTree: string,
  backupsDirectory: string,
  tracked: readonly string[],
): string[] {
  const sources = Object.values(model.services).flatMap((service) =>
    bindsOf(model, service).flatMap(({ source, isReadOnly }) =>
      source === undefined || isReadOnly ? [] : [source],
    ),
  );
  const found = [...new Set(sources)].filter(
    (path) =>
      path.startsWith(`${workTree}/`) &&
      !isWithin(backupsDirectory, path) &&
      !isWithin(path, backupsDirectory) &&
      !tracked.some((file) => isWithin(`${workTree}/${file}`, path)),
  );
  return found
    .filter((path) => !found.some((other) => other !== path && isWithin(path, other)))
    .toSorted();
}
