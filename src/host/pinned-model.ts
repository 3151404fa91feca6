import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ComposeProject } from '../argv/compose.ts';
import type { ComposeModel } from '../core/compose-model.ts';
import { sections } from '../core/diff.ts';
import { files } from '../state-names.ts';
import { replaceFile, syncDirectory } from './state-files.ts';

/** The project at the live place, as compose is to read it: its own files, or the model that was put in their place. */
export function asPinned(live: ComposeProject, stateDirectory: string): ComposeProject {
  const pinned = join(stateDirectory, files.pinnedModel);
  return existsSync(pinned) ? { ...live, files: [pinned] } : live;
}

/**
 * Puts a model in the place of the files, or takes it away again. It holds what `.env` holds: nobody but root may read it.
 *
 * @param all all services of the live tree, whichever profiles are active: compose would take what a person has started
 *   of them for orphans; undefined where they cannot be had
 */
export async function pinModel(
  stateDirectory: string,
  model: ComposeModel | undefined,
  all: ComposeModel | undefined,
): Promise<void> {
  const pinned = join(stateDirectory, files.pinnedModel);
  if (model !== undefined) return replaceFile(pinned, JSON.stringify(withDormant(model, all)));
  await rm(pinned, { force: true });
  await syncDirectory(dirname(pinned));
}

function withDormant(model: ComposeModel, all: ComposeModel | undefined): ComposeModel {
  if (all === undefined) return model;
  const ofBoth = sections.flatMap((section) => {
    const both = { ...all[section], ...model[section] };
    return Object.keys(both).length > 0 ? [[section, both]] : [];
  });
  return {
    ...model,
    ...Object.fromEntries(ofBoth),
    services: { ...all.services, ...model.services },
  };
}
