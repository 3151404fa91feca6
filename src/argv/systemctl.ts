import type { Command } from './command.ts';

/** Properties of a unit as `KEY=value` lines. */
export function systemctlShow(unit: string, properties: readonly string[]): Command {
  return {
    file: 'systemctl',
    args: ['show', unit, `--property=${properties.join(',')}`],
  };
}
