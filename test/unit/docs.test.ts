import { readFileSync } from 'node:fs';
import t from 'tap';
import { changeKinds } from '../lab/change-kinds.ts';
import { predictionsPage } from '../lab/predictions-page.ts';
import { configDocs } from '../../src/config/docs.ts';
import { commands } from '../../src/command-table.ts';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

await t.test('docs/configuration.md is what the schema says', async (t) => {
  t.equal(
    read('docs/configuration.md').trim(),
    configDocs().trim(),
    'node src/main.ts config docs > docs/configuration.md',
  );
});

await t.test('docs/what-happens.md is what the lab tests', async (t) => {
  t.equal(
    read('docs/what-happens.md').trim(),
    predictionsPage().trim(),
    'npm run --silent predictions > docs/what-happens.md',
  );
  t.ok(changeKinds.length >= 40, `${changeKinds.length} kinds of changes`);
});

await t.test('every command the documents name exists', async (t) => {
  const pages = [
    'README.md',
    'docs/operations.md',
    'docs/report.md',
    'docs/approval.md',
    'docs/images.md',
    'docs/update-manager.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
  ];
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/orchestrator-update ([a-z]+)(?=[ `\n])/g)].map(
      ([, verb]) => verb ?? '',
    ),
  );
  t.ok(named.length > 5);
  t.same(
    named.filter((verb) => !(verb in commands)),
    [],
  );
});
