import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { targetName, type Target } from '../config/notify-schema.ts';
import { ConfigError } from '../errors.ts';
import { readSecretFile } from './secret-file.ts';

/** Where a secret of a target is kept, by the key that says it. */
type Keys = Readonly<Record<string, unknown>>;

/**
 * A secret of a target, without the blanks around it; undefined where it has none.
 *
 * @param what the beginning of its keys: `url` for `url_file` and `url_credential`
 * @throws {ConfigError} which names the file and what is wrong with it, never what is in it
 */
async function readSecret(
  target: Target,
  what: 'url' | 'secret' | 'token',
): Promise<string | undefined> {
  const keys = target as Keys;
  const [file, credential] = [keys[`${what}_file`], keys[`${what}_credential`]];
  const where = `notify.targets: ${targetName(target)}: ${what}`;
  if (typeof file === 'string') return (await readSecretFile(file, `${where}_file`)).trim();
  if (typeof credential === 'string') {
    return (await readCredential(credential, `${where}_credential`)).trim();
  }
  const plain = keys[what];
  return typeof plain === 'string' ? plain : undefined;
}

async function readCredential(name: string, key: string): Promise<string> {
  const directory = process.env['CREDENTIALS_DIRECTORY'];
  const how = `LoadCredential=${name}:/etc/orchestrator-update/${name}    # in a drop-in of the service; it is not there in a shell`;
  if (directory === undefined) throw new ConfigError(`${key}: systemd gave no credentials`, how);
  return readFile(join(directory, name), 'utf8').catch(() => {
    throw new ConfigError(`${key}: systemd gave no credential ${name}`, how);
  });
}

/** The address of a target over HTTP. @throws {ConfigError} where it is none; what it is instead is not said */
export async function readUrl(target: Target): Promise<string> {
  const text = (await readSecret(target, 'url')) ?? '';
  const isUrl = /^https?:\/\/\S+$/.test(text) && URL.canParse(text);
  if (isUrl) return text;
  const what = `notify.targets: ${targetName(target)}: its url is no http:// or https:// URL`;
  throw new ConfigError(what, 'put the URL, and nothing else, into the file');
}

/** The key that signs what a webhook gets; undefined for one that is sent unsigned. */
export async function readKey(target: Target): Promise<Buffer | undefined> {
  if (target.type === 'webhook' && target.unsigned === true) return undefined;
  const text = (await readSecret(target, 'secret')) ?? '';
  const coded = /^whsec_([A-Za-z0-9+/=]+)$/.exec(text)?.[1];
  return coded === undefined ? Buffer.from(text) : Buffer.from(coded, 'base64');
}

/** Reads all secrets of a target, to see whether that can be done. @throws {ConfigError} where one cannot be read */
export async function checkSecrets(target: Target): Promise<void> {
  if (target.type === 'email' || target.type === 'command') return;
  await readUrl(target);
  await readSecret(target, 'secret');
  await readSecret(target, 'token');
}

export const readToken = (target: Target): Promise<string | undefined> =>
  readSecret(target, 'token');
