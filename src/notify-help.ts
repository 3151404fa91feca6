import type { CommandHelp } from './help.ts';

/** What `notify --help` says. */
export const notifyHelp: CommandHelp = {
  summary: 'send a test to who is told what happens, or show what is on its way to them',
  usage: 'notify test [TARGET] | list | send [--json]',
  verbs: ['test', 'list', 'send'],
  details: [
    ['test', 'to all targets, or to TARGET: its name, or its type; exit code 1 if one fails'],
    ['list', 'what is on its way: to whom, since when, what went wrong, when it is tried again'],
    ['send', 'try all of it now'],
  ],
  examples: ['sudo orchestrator-update notify test', 'sudo orchestrator-update notify list'],
};
