import t from 'tap';
import { ConfigError } from '../../src/errors.ts';
import { readWatchSettings } from '../../src/watch-settings.ts';

function complaint(environment: Readonly<Record<string, string>>): string {
  try {
    readWatchSettings(environment);
  } catch (error) {
    if (error instanceof ConfigError && error.exitCode === 2)
      return `${error.message}\n${error.next}`;
    throw error;
  }
  return 'none';
}

await t.test('what is not set, or empty, is as usual', async (t) => {
  const usual = { intervalSeconds: 3600, isAutomatic: true, webhookUrl: undefined };
  t.same(readWatchSettings({}), usual);
  t.same(readWatchSettings({ UPDATE_INTERVAL: '', AUTO_UPDATE: ' ', WEBHOOK_URL: '' }), usual);
});

await t.test('what is set counts', async (t) => {
  const url = 'https://hooks.example.org/x';
  t.same(readWatchSettings({ UPDATE_INTERVAL: '900', AUTO_UPDATE: 'False', WEBHOOK_URL: url }), {
    intervalSeconds: 900,
    isAutomatic: false,
    webhookUrl: url,
  });
  for (const word of ['true', 'TRUE', 'yes', '1', 'on'])
    t.equal(readWatchSettings({ AUTO_UPDATE: word }).isAutomatic, true, word);
  for (const word of ['false', 'no', '0', 'off'])
    t.equal(readWatchSettings({ AUTO_UPDATE: word }).isAutomatic, false, word);
});

await t.test('a mistake is named, and what to type', async (t) => {
  for (const text of ['abc', '0', '-5', '1.5', '1h', '604801', '99999999999999999999'])
    t.match(
      complaint({ UPDATE_INTERVAL: text }),
      `UPDATE_INTERVAL: "${text}" is no number of seconds`,
    );
  t.match(complaint({ UPDATE_INTERVAL: 'abc' }), 'UPDATE_INTERVAL=3600');
  t.match(
    complaint({ AUTO_UPDATE: 'maybe' }),
    /^AUTO_UPDATE: "maybe" is neither.*\nAUTO_UPDATE=false/,
  );
  const secret = complaint({ WEBHOOK_URL: 'htps://example.org/T0/s3cret' });
  t.match(secret, /^WEBHOOK_URL is no http/);
  t.notMatch(secret, /s3cret/, 'it may be a secret');
});
