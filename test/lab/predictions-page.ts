/**
 * `npm run predictions`: prints docs/what-happens.md, from the very kinds of changes that the lab
 * publishes to hosts with both versions of docker compose.
 */
import { pathToFileURL } from 'node:url';
import { composeVersions } from '../support/compose-versions.ts';
import { changeKinds } from './change-kinds.ts';
import { expectedWith } from './kinds/kind.ts';

/** The page, as Markdown. */
export function predictionsPage(): string {
  const rows = changeKinds.flatMap(({ title, expected }) =>
    Object.entries(expected).map(([service, one], index) => {
      const cells = composeVersions.map((version) => expectedWith(version, one));
      const several = Object.keys(expected).length > 1;
      return [index === 0 ? title : '', several ? service : '', ...cells];
    }),
  );
  const versions = composeVersions.map((version) => `compose ${version}`);
  return [
    '# What happens to a service',
    '',
    'What `orchestrator-update plan` says of a service for each kind of change, and what then happens',
    'to its containers. The lab publishes every one of these to real hosts and compares the two, with',
    `docker compose ${composeVersions.join(' and ')} (\`test/lab/predictions.ts\`).`,
    '',
    '- **recreate**: another container; **restart**: the same one, stopped and started;',
    '  **signal**: the same one, running on; **create**, **remove**, **rename**: as they say.',
    '- A service that is not named in a row stays **untouched**, except where the row is about all.',
    '',
    `| change | service | ${versions.join(' | ')} |`,
    `|---|---|${versions.map(() => '---|').join('')}`,
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(predictionsPage());
}
