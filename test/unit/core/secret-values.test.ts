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
