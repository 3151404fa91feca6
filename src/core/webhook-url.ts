/** What a plain URL of a webhook is taken for, and where it is sent to. */
export interface KnownWebhook {
  readonly type: 'slack' | 'webhook';
  readonly url: string;
}

/**
 * Tells by the URL alone what its server understands: Slack's own, Discord's (which has an address for messages of
 * Slack's kind), and any that ends in `/slack`, the message of a chat; any other, JSON.
 *
 * @param url one that can be parsed
 */
export function webhookOf(url: string): KnownWebhook {
  const { hostname, pathname } = new URL(url);
  if (hostname === 'hooks.slack.com' || /\/slack\/?$/.test(pathname)) return { type: 'slack', url };
  const isDiscord = /(^|\.)discord(app)?\.com$/.test(hostname) && /\/webhooks\//.test(pathname);
  if (!isDiscord) return { type: 'webhook', url };
  const moved = new URL(url);
  moved.pathname = `${pathname.replace(/\/$/, '')}/slack`;
  return { type: 'slack', url: moved.href };
}
