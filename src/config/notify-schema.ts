import { z } from 'zod';
import { events, urgentEvents } from '../core/notification.ts';
import { absolutePath } from './absolute-path.ts';

const credential = z
  .string()
  .regex(/^[A-Za-z0-9_.-]+$/, 'the name of a credential of systemd is expected (LoadCredential=)');
const plainUrl = z
  .url({ protocol: /^https?$/, error: 'an http:// or https:// URL is expected' })
  .refine(
    (url) => !/^https?:\/\/[^/]*@/.test(url),
    'a URL with a password belongs in a file: url_file',
  );
const address = z
  .string()
  .regex(
    /^[^\s@,;<>"\\-][^\s@,;<>"\\]*@[^\s@,;<>"\\]+$|^[a-z_][a-z0-9_.-]*$/,
    'an e-mail address is expected',
  );

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'lower-case letters, digits and - are expected')
    .optional(),
  events: z
    .array(z.enum([...events, 'all']))
    .min(1)
    .default(urgentEvents),
  timeout_seconds: z.number().min(0.1).max(60).default(5),
};

/** Where the URL is a secret itself, it is in a file of root's, or a credential of systemd. */
const secretUrl = { url_file: absolutePath.optional(), url_credential: credential.optional() };
const isOne = (...values: readonly unknown[]): boolean =>
  values.filter((value) => value !== undefined).length === 1;

const slack = z
  .strictObject({ type: z.literal('slack'), ...common, ...secretUrl })
  .refine((target) => isOne(target.url_file, target.url_credential), {
    path: ['url_file'],
    error: 'one of url_file and url_credential is needed: the URL is a secret',
  });

const webhook = z
  .strictObject({
    type: z.literal('webhook'),
    ...common,
    ...secretUrl,
    url: plainUrl.optional(),
    secret_file: absolutePath.optional(),
    secret_credential: credential.optional(),
    unsigned: z.literal(true, { error: 'true is expected, or nothing' }).optional(),
  })
  .refine((target) => isOne(target.url, target.url_file, target.url_credential), {
    path: ['url'],
    error: 'one of url, url_file and url_credential is needed',
  })
  .refine((target) => isOne(target.secret_file, target.secret_credential, target.unsigned), {
    path: ['secret_file'],
    error:
      'one of secret_file and secret_credential is needed: what is sent is signed with it; or `unsigned: true`',
  });

const ntfy = z
  .strictObject({
    type: z.literal('ntfy'),
    ...common,
    ...secretUrl,
    url: plainUrl.optional(),
    token_file: absolutePath.optional(),
    token_credential: credential.optional(),
  })
  .refine((target) => isOne(target.url, target.url_file, target.url_credential), {
    path: ['url'],
    error: 'one of url, url_file and url_credential is needed: server and topic, https://ntfy.sh/…',
  })
  .refine((target) => target.token_file === undefined || target.token_credential === undefined, {
    path: ['token_file'],
    error: 'is one too many beside token_credential',
  });

const email = z.strictObject({
  type: z.literal('email'),
  ...common,
  to: z.array(address).min(1),
  from: address.optional(),
  sendmail: absolutePath.default('/usr/sbin/sendmail'),
});

const command = z.strictObject({
  type: z.literal('command'),
  ...common,
  command: z.tuple([absolutePath], z.string()),
});

/** One of those who are told, as it is written. */
export const targetSchema = z.discriminatedUnion('type', [slack, webhook, ntfy, email, command]);

/** `notify`: who is told of what, and how. */
export const notifySchema = z
  .strictObject({
    targets: z
      .array(targetSchema)
      .default([])
      .describe(
        'Who is told what happens, and how: `{type: slack, url_file: /etc/orchestrator-update/slack-url}`; `type` is `slack`, `webhook`, `ntfy`, `email` or `command` (docs/notifications.md). Empty: nobody.',
      ),
  })
  .prefault({})
  .describe('Notifications.');

/** One of those who are told. */
export type Target = z.output<typeof notifySchema>['targets'][number];

/** What a target is called. */
export function targetName({ name, type }: Pick<Target, 'name' | 'type'>): string {
  return name ?? type;
}
