import t from 'tap';
import { secretValues, withoutValues } from '../../../src/core/secret-values.ts';
import { model } from '../../support/builders.ts';

await t.test('a dollar sign, which compose writes twice, hides no password', (t) => {
  const values = secretValues(
    model({
      web: {
        image: 'web:1',
        environment: { DB_PASSWORD: 'pa$$w0rd', DB: 'postgres://app:s3$$cret$$@db/app' },
      },
    }),
  );
  for (const said of ['pa$w0rd', 'pa$$w0rd', 's3$cret$', 's3$$cret$$']) {
    t.equal(withoutValues(`refused ${said} again`, values), 'refused … again', said);
  }
  t.end();
});

await t.test('the end of a secret, behind what is left out', (t) => {
  const values = ['hunter2-9f83c1', 'line one\nline two'];
  for (const [said, shown] of [
    ['make: failed:\n…er2-9f83c1 is refused', 'make: failed:\n… is refused'],
    ['make: failed:\n…ne\nline two', 'make: failed:\n…'],
    // So little stands in many a text.
    ['…3c1 is refused', '…3c1 is refused'],
    ['er2-9f83c1 is a name', 'er2-9f83c1 is a name'],
  ] as const) {
    t.equal(withoutValues(said, values), shown);
  }
  t.end();
});
