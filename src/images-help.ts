import type { CommandHelp } from './help.ts';

/** `images`. */
export const imagesHelp: CommandHelp = {
  summary: 'ask the registries for newer images of the services, and change nothing',
  usage: 'images [--json]',
  details: [['exit code', '1 when a registry gave no answer about an image']],
  examples: [
    'sudo orchestrator-update images',
    "sudo orchestrator-update images --json | jq '.services[] | {service, verdict: .answer.verdict}'",
  ],
};
