import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hiddenSecret, readSecretFile } from '../../../src/host/secret-file.ts';

const key = 'notify.targets: webhook: secret_file';

await t.test('a secret that a shell sees and the service does not is named', async (t) => {
  const shown = ['/home/geo/operation'];
  for (const path of ['/root/key', '/home/geo/key', '/home/geo/operation-key', '/tmp/key']) {
    t.match(hiddenSecret(path, key, shown), {
      message: new RegExp(`^${path} .*the service does not see it`),
      next: `mv ${path} /etc/orchestrator-update/; set ${key} to it there`,
    });
  }
  for (const path of ['/etc/orchestrator-update/key', '/home/geo/operation/key', '/rooted/key'])
    t.equal(hiddenSecret(path, key, shown), undefined);
});

await t.test('one that is not there is not written over where it may only be hidden', async (t) => {
  const hidden = '/root/nobody-has-this-key';
  await t.rejects(readSecretFile(hidden, key), { message: /is not there$/ }, 'in a shell');
  t.intercept(process, 'env', { value: { ...process.env, INVOCATION_ID: 'of the service' } });
  await t.rejects(readSecretFile(hidden, key), {
    message: /is not there, or the service does not see it/,
    next: /^mv \/root\/nobody-has-this-key \/etc/,
  });
  await t.rejects(readSecretFile('/etc/nobody-has-this-key', key), {
    message: /^\/etc\/nobody-has-this-key \(.*\) is not there$/,
    next: /^install -m 600/,
  });
});

await t.test('one of root alone is read', async (t) => {
  const file = join(t.testdir({ key: 'of the webhook' }), 'key');
  chmodSync(file, 0o600);
  t.equal(await readSecretFile(file, key), 'of the webhook');
  chmodSync(file, 0o640);
  await t.rejects(readSecretFile(file, key), { message: /can be read by others \(mode 0640\)/ });
});
