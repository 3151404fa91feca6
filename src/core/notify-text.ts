import { encodedHeader, mailText } from './mail.ts';
import type { Notification, Severity } from './notification.ts';
import { MASK } from './secrets.ts';

/** What is sent over HTTP, but for its address and what proves who sends it. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Everything a person is told, below the title. */
export function bodyText(notification: Notification): string {
  const { summary, changes = [], outages = [], output = [], next, at, id } = notification;
  return [
    summary,
    ...section('What failed', output),
    ...section('What changed', changes),
    ...section('Away', outages),
    ...(next === undefined ? [] : ['', 'What to type:', `  ${next}`]),
    '',
    `${at.replace(/\.\d+Z$/, 'Z')}, ${id}`,
  ].join('\n');
}

function section(head: string, lines: readonly string[]): string[] {
  return lines.length > 0 ? ['', `${head}:`, ...lines.map((line) => `  ${line}`)] : [];
}

/** Discord takes no more than 2000 characters; whoever takes more takes this. */
const CHAT_CHARACTERS = 1900;
const marks: Readonly<Record<Severity, string>> = { info: '🟢', warning: '🟠', critical: '🔴' };

/** The body of an incoming webhook as Slack has it, and Mattermost, Rocket.Chat and Discord understand. */
export function slackMessage(notification: Notification): Message {
  const { title, severity, summary, changes = [], outages = [], output = [], next } = notification;
  const code = (lines: readonly string[]): string[] =>
    lines.length > 0 ? ['```', ...lines.map(chatText), '```'] : [];
  const whole = [
    `${marks[severity]} *${chatText(title)}*`,
    chatText(summary),
    ...(next === undefined ? [] : ['What to type:', ...code([next])]),
    ...outages.map((line) => `• away: ${chatText(line)}`),
    ...changes.map((line) => `• ${chatText(line)}`),
    ...code(output),
  ].join('\n');
  return {
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ text: cutChat(whole) }),
  };
}

/** A block that is cut is closed again. */
function cutChat(text: string): string {
  if (text.length <= CHAT_CHARACTERS) return text;
  const cut = `${text.slice(0, CHAT_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '')}${MASK}`;
  return cut.split('```').length % 2 === 0 ? `${cut}\n\`\`\`` : cut;
}

/** Text of others cannot call everybody, make a link, or end a block. */
function chatText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('```', "'''")
    .replaceAll(/@(?=(?:everyone|here|channel|all)\b)/gi, '@\u200B');
}

/** The body of the webhook: its fields do not lose their meaning in a later version. */
export function jsonBody(notification: Notification): string {
  return JSON.stringify({ schema: 1, ...notification, text: bodyText(notification) });
}

/** ntfy makes a file of what is longer. */
const NTFY_BYTES = 4000;
const priorities: Readonly<Record<Severity, string>> = { info: '3', warning: '4', critical: '5' };
const tags: Readonly<Record<Severity, string>> = {
  info: 'white_check_mark',
  warning: 'warning',
  critical: 'rotating_light',
};

export function ntfyMessage(notification: Notification): Message {
  const { id, title, severity } = notification;
  let body = bodyText(notification);
  while (new TextEncoder().encode(body).length > NTFY_BYTES) body = `${body.slice(0, -50)}${MASK}`;
  return {
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      title: encodedHeader(title),
      priority: priorities[severity],
      tags: tags[severity],
      // From 2.16 on, one that comes again takes the place of the first; before that, it is another.
      'x-sequence-id': id.slice(-64),
    },
    body,
  };
}

/** A mail, headers and all. */
export function mailMessage(
  notification: Notification,
  { to, from }: { readonly to: readonly string[]; readonly from?: string | undefined },
): string {
  const { id, host, event, severity, title } = notification;
  return mailText({
    to,
    from,
    subject: title,
    body: bodyText(notification),
    messageId: `${id}@${host}.orchestrator-update`,
    date: mailDate(notification.at),
    headers: { 'X-Orchestrator-Update-Event': event, 'X-Orchestrator-Update-Severity': severity },
  });
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** RFC 5322, in UTC, of an ISO 8601 moment: its weekday by Zeller's congruence. */
function mailDate(at: string): string {
  const found = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2}:\d{2})/.exec(at);
  if (!found) return at;
  const [year = 0, month = 0, day = 0] = found.slice(1, 4).map(Number);
  const [m, y] = month < 3 ? [month + 12, year - 1] : [month, year];
  const zeller = day + Math.floor((13 * (m + 1)) / 5) + y + Math.floor(y / 4) - Math.floor(y / 100);
  const weekday = (zeller + Math.floor(y / 400) + 6) % 7;
  return `${days[weekday]}, ${day} ${months[month - 1]} ${year} ${found[4]} +0000`;
}
