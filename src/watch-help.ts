import type { CommandHelp } from './help.ts';

/** What `watch --help` says. */
export const watchHelp: CommandHelp = {
  summary: 'the same run in a loop, in the foreground: the update manager, for where no timer is',
  usage: 'watch',
  details: [
    ['UPDATE_INTERVAL', 'of the environment: seconds from one run to the next (3600)'],
    ['AUTO_UPDATE=false', 'only tells that there is an update (mode: notify)'],
    ['WEBHOOK_URL', 'is told, too: Slack and Discord by their address, any other as JSON'],
    ['SIGUSR1', 'a run now; SIGHUP: reads the configuration anew'],
    ['SIGTERM', 'leaves; an update under way is finished or taken back first'],
    ['exit code', '0; 1 where orchestrator-update.timer is on; 12 or 13 of a last run'],
  ],
  examples: [
    'sudo UPDATE_INTERVAL=900 AUTO_UPDATE=false orchestrator-update watch',
    'docker compose -f update-manager/docker-compose.yml up -d --build',
    "docker exec update_manager sh -c 'kill -USR1 1'",
  ],
};
