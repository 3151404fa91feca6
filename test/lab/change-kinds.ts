import { files } from './kinds/contents.ts';
import { mounts, ports } from './kinds/doors.ts';
import type { ChangeKind } from './kinds/kind.ts';
import { dependencies, names, networkOptions, networks } from './kinds/relations.ts';
import { settings } from './kinds/settings.ts';

/** Kinds that do not meddle with each other go into one release: what each service sees is its own. */
export const releases: Readonly<Record<string, readonly ChangeKind[]>> = {
  'of settings': settings,
  'of ports, volumes, files and names': [...ports, ...mounts, ...files, ...names],
  'of dependencies': [...dependencies, ...networks],
  'of the options of a network': networkOptions,
};

/** All kinds, in the order of the table. */
export const changeKinds: readonly ChangeKind[] = Object.values(releases).flat();
