import t from 'tap';
import type { LookError } from '../../../src/host/registry-failure.ts';
import { LINUX, registry } from '../../support/look-world.ts';

const odd = (os: string, architecture: string) => ({ os, architecture, variant: '' });

await t.test('what a publisher wrote of platforms is not shown to anybody', async (t) => {
  const { look, put } = registry();
  put('1', 'a', { platforms: [odd('\u001B[2J\nall is well', 'amd64'), odd('linux', 'arm64')] });
  const failure = (await look({}).catch((error: unknown) => error)) as LookError;
  t.equal(failure.kind, 'absent');
  t.match(failure.message, /has no image for linux\/amd64 .* \(there are: linux\/arm64\)$/);
  put('1', 'a', { platforms: [odd('linux', 'x'.repeat(300_000))] });
  const other = (await look({}).catch((error: unknown) => error)) as LookError;
  t.match(other.message, /\(there are: none\)$/);
  put('1', 'b', { platforms: [LINUX] });
  t.match(await look({}), { verdict: 'moved' });
});
