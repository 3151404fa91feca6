import t from 'tap';
import { webhookOf } from '../../../src/core/webhook-url.ts';

const same: readonly (readonly [url: string, type: 'slack' | 'webhook'])[] = [
  ['https://hooks.slack.com/services/T0/B0/x', 'slack'],
  ['https://discord.com/api/webhooks/1/x/slack', 'slack'],
  ['https://chat.example.org/hooks/x/slack/', 'slack'],
  ['https://example.org/hooks/updates', 'webhook'],
  ['http://localhost:9000/hook?token=x', 'webhook'],
  ['https://hooks.slack.com.example.org/services/T0', 'webhook'],
  ['https://notdiscord.com/api/webhooks/1/x', 'webhook'],
];
for (const [url, type] of same) {
  await t.test(`${url}: ${type}`, async (t) => t.same(webhookOf(url), { type, url }));
}

await t.test('Discord is sent what it understands', async (t) => {
  t.same(webhookOf('https://discord.com/api/webhooks/1/x?wait=true'), {
    type: 'slack',
    url: 'https://discord.com/api/webhooks/1/x/slack?wait=true',
  });
  t.equal(webhookOf('https://ptb.discordapp.com/api/webhooks/1/x/').type, 'slack');
});
