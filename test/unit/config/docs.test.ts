import t from 'tap';
import { configDocs } from '../../../src/config/docs.ts';
import { keyInfos } from '../../../src/config/keys.ts';
import { nearestName } from '../../../src/config/nearest.ts';
import { variableFor } from '../../../src/config/overrides.ts';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';

/** Dotted paths of everything that is not a section. */
function leaves(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    const isSection = inner !== null && typeof inner === 'object' && !Array.isArray(inner);
    const isEmpty = isSection && Object.keys(inner).length === 0;
    return isSection && !isEmpty ? leaves(inner, `${prefix}${name}.`) : [prefix + name];
  });
}

await t.test('every key in force has a row with its meaning, default and variable', async (t) => {
  const rows = configDocs()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const unset = ['repository', 'password_file', 'environment_file'].map(
    (name) => `backup.history.${name}`,
  );
  const set = leaves(settleConfig(configSchema.parse({})));
  // Sections with nothing set in them.
  const empty = ['report', 'metrics'];
  const inForce = [
    ...set.filter((name) => !empty.includes(name)),
    ...empty.map((name) => `${name}.path`),
    'repository',
    // Another word for `mode`.
    'auto_update',
    ...unset,
  ];
  t.ok(inForce.length > 20);
  for (const key of inForce) {
    const row = rows.find((line) => line.startsWith(`| \`${key}\` |`)) ?? '';
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    t.equal(cells.length, 7, `${key} has five cells`);
    t.ok((cells[4] ?? '').length > 10, `${key} has a meaning`);
    t.equal(cells[5], `\`${variableFor(key)}\``);
  }
  t.equal(rows.length, inForce.length, 'and no row is too many');
});

const info = (key: string) => keyInfos().find((candidate) => candidate.key === key);

await t.test('types, ranges and defaults are those of the schema', async (t) => {
  t.match(info('branch'), { type: 'string', defaultText: '"embody-alpha"' });
  t.match(info('backup.keep'), { type: 'integer, 1 to 1000', defaultText: '5' });
  t.match(info('health.interval_seconds'), { type: 'number, 0.1 to 60' });
  t.match(info('health.urls'), { type: 'list of strings' });
  t.match(info('compose.environment'), { type: 'map of names to strings', defaultText: '{}' });
  t.equal(info('project_dir')?.defaultText, undefined);
});

await t.test('no two keys share a variable', async (t) => {
  const variables = keyInfos().map(({ key }) => variableFor(key));
  t.equal(new Set(variables).size, variables.length);
  t.equal(variableFor('health.urls'), 'ORCHESTRATOR_UPDATE_HEALTH_URLS');
});

await t.test('the nearest name, if one is near enough to be meant', async (t) => {
  const known = ['run', 'rollback', 'recover', 'status'];
  t.equal(nearestName('rnu', known), 'run');
  t.equal(nearestName('rolback', known), 'rollback');
  t.equal(nearestName('statsu', known), 'status');
  t.equal(nearestName('status', known), 'status');
  t.equal(nearestName('quarantine', known), undefined);
  t.equal(nearestName('x', []), undefined);
});
