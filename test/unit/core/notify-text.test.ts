import t from 'tap';
import { encodedHeader, mailText, quotedPrintable } from '../../../src/core/mail.ts';
import { notificationOf, type Draft } from '../../../src/core/notification.ts';
import {
  bodyText,
  jsonBody,
  mailMessage,
  ntfyMessage,
  slackMessage,
} from '../../../src/core/notify-text.ts';
import { endedDraft } from '../../../src/core/told-transaction.ts';
import { transactionOf } from '../../support/transactions.ts';

const note =
  'not healthy after 30 s: http://localhost:8082/health HTTP 503: <!channel> correct-horse & `x`; service web is unhealthy: ```@everyone';
const draft = endedDraft(transactionOf('ROLLED_BACK', { note }), true) as Draft;
const where = { host: 'web-1', project: 'shop', secrets: ['correct-horse'], toldAtMs: undefined };
const notification = notificationOf(draft, where);

await t.test(
  'plain text: what happened, what failed, what changed, who was away, what to type',
  (t) => {
    t.equal(notification.title, 'shop on web-1: rolled back');
    t.match(notification.id, /^web-1-ended-20260101T120000Z-bbbbbbbb-[0-9a-f]{8}$/);
    t.same(bodyText(notification).split('\n'), [
      'bbbbbbbbbbbb was rolled back to aaaaaaaaaaaa, which is healthy: not healthy after 30 s',
      '',
      'What failed:',
      '  http://localhost:8082/health HTTP 503: <!channel> … & `x`',
      '  service web is unhealthy: ```@everyone',
      '',
      'What changed:',
      '  2 changed: db (environment), web (image web:1 → web:2)',
      '  1 new: cache',
      '  1 gone: old',
      '',
      'Away:',
      '  db: away for 26 s at most',
      '  web: away for 24 s at most',
      '',
      'What to type:',
      '  mend it and push: bbbbbbbbbbbb is quarantined; orchestrator-update history; orchestrator-update run --force    # tries it again',
      '',
      `2026-01-01T12:02:22Z, ${notification.id}`,
    ]);
    t.end();
  },
);

await t.test('Slack: nobody is called, no block is ended by what others have printed', (t) => {
  const { body, headers } = slackMessage(notification);
  t.equal(headers['content-type'], 'application/json; charset=utf-8');
  const parsed = JSON.parse(body) as Record<string, string>;
  t.same(Object.keys(parsed), ['text'], 'what every chat understands');
  t.same(parsed['text']?.split('\n'), [
    '🔴 *shop on web-1: rolled back*',
    'bbbbbbbbbbbb was rolled back to aaaaaaaaaaaa, which is healthy: not healthy after 30 s',
    'What to type:',
    '```',
    'mend it and push: bbbbbbbbbbbb is quarantined; orchestrator-update history; orchestrator-update run --force    # tries it again',
    '```',
    '• away: db: away for 26 s at most',
    '• away: web: away for 24 s at most',
    '• 2 changed: db (environment), web (image web:1 → web:2)',
    '• 1 new: cache',
    '• 1 gone: old',
    '```',
    'http://localhost:8082/health HTTP 503: &lt;!channel&gt; … &amp; `x`',
    "service web is unhealthy: '''@\u200Beveryone",
    '```',
  ]);
  t.end();
});

await t.test('what is longer than a chat takes is cut, and its block closed', (t) => {
  const output = Array.from({ length: 12 }, (_, index) => `${index}`.padEnd(290, '<'));
  const { text } = JSON.parse(slackMessage({ ...notification, output }).body) as { text: string };
  t.ok(text.length <= 2000, `${text.length}`);
  t.equal(text.split('```').length % 2, 1);
  t.match(text, /…\n```$/);
  t.end();
});

await t.test('JSON: every field by itself, and the whole text', (t) => {
  t.match(JSON.parse(jsonBody(notification)), {
    schema: 1,
    id: notification.id,
    event: 'rolled-back',
    severity: 'critical',
    at: '2026-01-01T12:02:22.000Z',
    host: 'web-1',
    project: 'shop',
    title: 'shop on web-1: rolled back',
    output: [/HTTP 503/, /unhealthy/],
    outages: ['db: away for 26 s at most', 'web: away for 24 s at most'],
    facts: { from: 'a'.repeat(40), to: 'b'.repeat(40), reason: 'not healthy after 30 s' },
    text: bodyText(notification),
  });
  t.end();
});

await t.test('ntfy: its headers are ASCII, its text is no file', (t) => {
  const { headers, body } = ntfyMessage({ ...notification, title: 'shöp on web-1: rolled back' });
  t.match(headers, { priority: '5', tags: 'rotating_light', title: /^=\?UTF-8\?B\?[\w+/=]+\?=$/ });
  t.match(headers['x-sequence-id'], /^[-_A-Za-z0-9]{1,64}$/);
  t.equal(body, bodyText(notification));
  const output = Array.from({ length: 12 }, () => '…'.repeat(300));
  t.ok(Buffer.byteLength(ntfyMessage({ ...notification, output }).body) < 4096);
  t.end();
});

await t.test('a mail', (t) => {
  const [head = '', body = ''] = mailMessage(notification, {
    to: ['ops@example.org', 'root'],
  }).split(/\n\n([^]*)/);
  t.same(head.split('\n'), [
    'To: ops@example.org, root',
    'Subject: shop on web-1: rolled back',
    'Date: Thu, 1 Jan 2026 12:02:22 +0000',
    `Message-ID: <${notification.id}@web-1.orchestrator-update>`,
    'Auto-Submitted: auto-generated',
    'X-Orchestrator-Update-Event: rolled-back',
    'X-Orchestrator-Update-Severity: critical',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
  ]);
  t.ok(body.split('\n').every((line) => line.length <= 76));
  t.equal(decoded(body).trimEnd(), bodyText(notification));
  t.end();
});

/** As a mail reader does it. */
function decoded(text: string): string {
  const bytes = text
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

await t.test('no text adds a header, or ends the mail', (t) => {
  const mail = mailText({
    to: ['root'],
    from: undefined,
    subject: 'a\r\nBcc: everybody@example.org\nX: y',
    body: '.\nFrom here\n.',
    messageId: 'x>\ny',
    date: 'z',
    headers: { 'X-A': 'b\nX-C: d' },
  });
  t.notMatch(mail, /^(Bcc|X|X-C):/m);
  t.match(mail, /^Subject: a Bcc: everybody@example.org X: y$/m);
  t.notMatch(mail, /^\.$/m);
  t.end();
});

await t.test('letters that ASCII does not have', (t) => {
  t.equal(encodedHeader('plain: [a] (b)'), 'plain: [a] (b)');
  const long = 'größer als → das, was in eine Zeile geht 🟢 und noch mehr davon';
  const words = encodedHeader(long).split(' ');
  t.ok(words.length > 1 && words.every((word) => word.length <= 75));
  const text = words.map((word) => Buffer.from(word.slice(10, -2), 'base64').toString('utf8'));
  t.equal(text.join(''), long);
  t.equal(quotedPrintable('a=b\ttrailing '), 'a=3Db\ttrailing=20');
  t.equal(decoded(quotedPrintable('ü'.repeat(100))), 'ü'.repeat(100));
  t.end();
});
