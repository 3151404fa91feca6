import { createHmac } from 'node:crypto';
import type { Command } from '../argv/command.ts';
import { sendmail } from '../argv/sendmail.ts';
import { programOutsideSandbox } from '../argv/systemd-run.ts';
import type { Target } from '../config/notify-schema.ts';
import type { Notification } from '../core/notification.ts';
import {
  jsonBody,
  mailMessage,
  ntfyMessage,
  slackMessage,
  type Message,
} from '../core/notify-text.ts';
import { MASK, printableText, withoutSecrets } from '../core/secrets.ts';
import { messageOf } from '../errors.ts';
import { exec } from './exec.ts';
import { decoded, post, withoutLogin } from './http.ts';
import { SendError } from './send-error.ts';
import { readKey, readToken, readUrl } from './target-secrets.ts';

/**
 * Sends one notification to one target.
 *
 * @param isSandboxed programs are run in units of their own, where they may write to what is theirs
 * @throws {SendError} where the target may not have it; any other error names no secret either
 */
export async function send(
  target: Target,
  notification: Notification,
  { now, isSandboxed }: { readonly now: Date; readonly isSandboxed: boolean },
): Promise<void> {
  const limits = { timeoutSeconds: target.timeout_seconds, isSandboxed };
  const { timeout_seconds: timeoutSeconds } = target;
  switch (target.type) {
    case 'slack':
      return postTo(await readUrl(target), slackMessage(notification), timeoutSeconds, []);
    case 'webhook': {
      const [url, key] = [await readUrl(target), await readKey(target)];
      return postTo(url, signed(notification, key, now), timeoutSeconds, []);
    }
    case 'ntfy': {
      const [url, token] = [await readUrl(target), await readToken(target)];
      const { headers, body } = ntfyMessage(notification);
      const proof = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const message = { headers: { ...headers, ...proof }, body };
      return postTo(url, message, timeoutSeconds, token === undefined ? [] : [token]);
    }
    case 'email':
      return run(sendmail(target.sendmail), mailMessage(notification, target), limits);
    case 'command': {
      const [file, ...args] = target.command;
      return run({ file, args }, `${jsonBody(notification)}\n`, limits);
    }
  }
}

/** As https://www.standardwebhooks.com has it: what is signed has its id and its moment in it. */
function signed(notification: Notification, key: Buffer | undefined, now: Date): Message {
  const { id } = notification;
  const body = jsonBody(notification);
  const seconds = Math.floor(now.getTime() / 1000);
  const signature =
    key && createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return {
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      ...(signature === undefined ? {} : { 'webhook-signature': `v1,${signature}` }),
      'idempotency-key': id,
    },
    body,
  };
}

async function postTo(
  url: string,
  message: Message,
  timeoutSeconds: number,
  secrets: readonly string[],
): Promise<void> {
  const hidden = [...secretsIn(url), ...secrets];
  const { host } = new URL(url);
  const answer = await post(url, message, timeoutSeconds).catch((error: unknown) => {
    throw new SendError(`${host}: ${without(messageOf(error), hidden)}`);
  });
  const { status, body, retryAfterSeconds } = answer;
  if (status >= 200 && status < 300) return;
  const said = without(printableText(body), hidden);
  const moved = status >= 300 && status < 400 ? ' (a redirect, which is not followed)' : '';
  throw new SendError(`${host}: HTTP ${status}${moved}${said === '' ? '' : `: ${said}`}`, {
    retryAfterSeconds,
    isRefused: status >= 400 && status < 500 && !NOT_NOW.has(status),
  });
}

/** Request Timeout, and Too Many Requests: the same may be taken later. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 429]);

/** A server may say what it was asked for, whole or in part. */
function secretsIn(url: string): string[] {
  const { pathname, search, username, password } = new URL(url);
  const words = `${pathname}/${search}`.split(/[/?&=]/).filter((word) => word.length >= 6);
  const { plain, proof } = withoutLogin(url);
  const code = (proof['authorization'] ?? '').replace(/^Basic /, '');
  const login = [username, password, decoded(username), decoded(password), code];
  return [url, plain, `${pathname}${search}`, ...words, ...login].filter((one) => one.length > 1);
}

function without(text: string, hidden: readonly string[]): string {
  const masked = hidden
    .toSorted((left, right) => right.length - left.length)
    .reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
  return withoutSecrets(masked);
}

/** Without a shell. What it prints is the last that is told of it. */
async function run(
  command: Command,
  input: string,
  {
    timeoutSeconds,
    isSandboxed,
  }: { readonly timeoutSeconds: number; readonly isSandboxed: boolean },
): Promise<void> {
  const started = isSandboxed ? programOutsideSandbox(command, timeoutSeconds) : command;
  try {
    await exec(started, { timeoutSeconds, input });
  } catch (error) {
    const [first = '', ...more] = messageOf(error).split('\n');
    const said = more.at(-1) === undefined ? '' : ` ${more.at(-1)}`;
    throw new SendError(printableText(withoutSecrets(`${first}${said}`)));
  }
}
