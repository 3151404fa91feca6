import { targetName } from './notify-schema.ts';
import type { Config } from './schema.ts';

/** A mistake that one key alone does not show: the key to change and what is wrong with it. */
export interface Mistake {
  readonly key: string;
  readonly problem: string;
}

type Rule = (config: Config) => Mistake[];

/** Every cross-field rule, so that all mistakes are reported at once. */
export function mistakesIn(config: Config): Mistake[] {
  return rules.flatMap((rule) => rule(config));
}

const rules: readonly Rule[] = [
  (config) =>
    config.repository !== undefined && !contains(config.repository, config.project_dir)
      ? [{ key: 'repository', problem: `does not contain project_dir (${config.project_dir})` }]
      : [],
  (config) =>
    config.backups_dir === config.root || config.backups_dir === config.project_dir
      ? [{ key: 'backups_dir', problem: 'must be a directory of its own' }]
      : [],
  (config) =>
    config.health.stable_seconds > config.health.timeout_seconds
      ? [{ key: 'health.stable_seconds', problem: 'is longer than health.timeout_seconds' }]
      : [],
  (config) =>
    config.schedule.freezes
      .filter(({ from, to }) => to < from)
      .map(({ from, to }) => ({ key: 'schedule.freezes', problem: `${from} is after ${to}` })),
  (config) =>
    config.schedule.windows
      .filter(({ from, to }) => from === to)
      .map(({ from }) => ({
        key: 'schedule.windows',
        problem: `a window from ${from} to ${from} is never open`,
      })),
  (config) =>
    config.compose.files
      .filter((file) => file.startsWith('/') || file.split('/').includes('..'))
      .map((file) => ({
        key: 'compose.files',
        problem: `${file} is outside the project directory; only files of the repository can be compared between releases`,
      })),
  ({ notify }) =>
    notify.targets
      .map(targetName)
      .filter((name, index, names) => names.indexOf(name) !== index)
      .map((name) => ({
        key: 'notify.targets',
        problem: `has two that are called ${name}: give each a name of its own`,
      })),
];

/** Whether a directory is another or lies below it. */
export function contains(directory: string, path: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
