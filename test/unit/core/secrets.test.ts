import t from 'tap';
import {
  isSecretName,
  printableText,
  withoutSecrets,
  wordsWithoutSecrets,
} from '../../../src/core/secrets.ts';

const secret = 'hunter2/@x';

await t.test('a secret is known by the name of its setting', async (t) => {
  const names = `MYSQL_PWD DB_PW JWT SESSION_COOKIE HMAC PSK OTP PIN TLS_CERT SIGNING_ID WEBHOOK_URL
    WALLET_SEED PEPPER NONCE RCON LICENSE API_KEY environment.DB_PASSWORD BEARER CIPHER`.split(
    /\s+/,
  );
  for (const name of names) t.ok(isSecretName(name), name);
  for (const name of ['SPINNER', 'KEYBOARD', 'image', 'PINNED', 'SEEDLING', 'environment.LEVEL'])
    t.notOk(isSecretName(name), name);
});

await t.test('and within a text by what stands before it', async (t) => {
  const texts = [
    `--password=${secret}`,
    `serve --requirepass ${secret} --port 1`,
    `mysql -uroot -p${secret} -e x`,
    `curl -u admin:${secret} x`,
    `Authorization: Bearer ${secret}`,
    `Server=x;Pwd=${secret};`,
    `https://x/?pwd=${secret}`,
    `password="a ${secret}"`,
    `{"password": "a,${secret}"}`,
    String.raw`{\"password\":\"${secret}\"}`,
    `postgres://u:${secret}@db/x`,
    `-----BEGIN PRIVATE KEY-----\n${secret}`,
    `https://hooks.slack.com/services/${secret}`,
    `line 1: unterminated quoted value "${secret}`,
    `redis-cli -a ${secret} ping`,
  ];
  for (const text of texts) t.notMatch(withoutSecrets(text), 'hunter2', text);
  for (const plain of ['redis-server --port 6379', 'https://git.lab/x@v1', 'a: b, c=d', 'user: 1'])
    t.equal(withoutSecrets(plain), plain);
});

await t.test('a word of a command is judged by the word before it', async (t) => {
  t.same(wordsWithoutSecrets(['redis-server', '--requirepass', secret, '--port', '1']), [
    'redis-server',
    '--requirepass',
    '…',
    '--port',
    '1',
  ]);
  t.same(wordsWithoutSecrets(['CMD', 'redis-cli', '-a', secret]), ['CMD', 'redis-cli', '-a', '…']);
  t.same(wordsWithoutSecrets(['curl', '-u', `geo:${secret}`]), ['curl', '-u', 'geo:…']);
});

await t.test('a terminal does not obey what is shown', async (t) => {
  t.equal(printableText('a\u001b[2J\u0007b\nc\td'), String.raw`a\u001b[2J\u0007b\nc d`);
});
