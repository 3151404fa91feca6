import { keyInfos } from './keys.ts';
import { variableFor } from './overrides.ts';

/** docs/configuration.md: every key, from the schema itself. */
export function configDocs(): string {
  const rows = keyInfos().map(
    ({ key, type, defaultText, description }) =>
      `| \`${key}\` | ${type} | ${defaultText === undefined ? '' : `\`${defaultText}\``} | ${description} | \`${variableFor(key)}\` |`,
  );
  return [
    '# Configuration',
    '',
    'This page is generated: `orchestrator-update config docs`.',
    '',
    'The file is `/etc/orchestrator-update/update_config.yaml` (YAML, readable by root only).',
    'What is not set has its default. Later ones win: defaults, file, environment, `--set KEY=VALUE`.',
    'In the environment and in `--set`, lists are separated by commas. A key that is not known is',
    'an error that names the line and the nearest known key; nothing is changed then.',
    '',
    'After a change: `orchestrator-update config check`. When paths changed, run the installer again:',
    'it writes the paths that the sandbox of the service lets it reach.',
    '',
    '| key | type | default | meaning | environment |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'An example:',
    '',
    '```yaml',
    'root: /srv/shop',
    'project_dir: /srv/shop/compose',
    'project_name: shop',
    'branch: production',
    'health:',
    '  urls:',
    '    - http://localhost:8080/health',
    '  stable_seconds: 30',
    'backup:',
    '  keep: 10',
    '```',
  ].join('\n');
}
