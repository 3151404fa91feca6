import type { Host } from '../../src/host/host.ts';
import { checked, wholeLines } from '../../src/host/state-files.ts';
import type { Effect, Read } from './fake-host.ts';
import type { World } from './fake-world.ts';

/** A cut-off line is ended first. */
function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Small durable files, cut off in the middle of a line. */
export function fakeState(
  world: World,
  effect: Effect,
  read: Read,
  giveUpReserve: () => void,
): Host['state'] {
  const { files } = world;
  return {
    read: (name) => read(() => files.get(name)),
    write: (name, text) => effect(() => void files.set(name, text), undefined, 'state'),
    writeLine: (name, line) =>
      effect(() => void files.set(name, `${checked(line)}\n`), undefined, 'state'),
    reserve: () => read(() => {}),
    useReserve: () => effect(giveUpReserve, undefined, 'frees'),
    append: (name, line) =>
      effect(
        () => void files.set(name, `${ended(files.get(name) ?? '')}${checked(line)}\n`),
        // Half of a line is what a power cut leaves of it.
        () => void files.set(name, `${ended(files.get(name) ?? '')}${checked(line).slice(0, 20)}`),
        'state',
      ),
    lines: (name) => read(() => wholeLines(files.get(name) ?? '')),
    remove: (name) => effect(() => void files.delete(name), undefined, 'frees'),
    list: (directory) =>
      read(() => {
        const below = [...files.keys()].filter((name) => name.startsWith(`${directory}/`));
        return [...new Set(below.map((name) => name.split('/')[1] ?? ''))].toSorted();
      }),
    removeDirectory: (directory) =>
      effect(
        () => {
          for (const name of files.keys()) if (name.startsWith(`${directory}/`)) files.delete(name);
        },
        undefined,
        'frees',
      ),
  };
}
