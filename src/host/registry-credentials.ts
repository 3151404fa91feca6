import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { getCredentials } from '../argv/docker.ts';
import { registryOf } from '../core/image-reference.ts';
import { messageOf } from '../errors.ts';
import { childEnvironment } from './child-environment.ts';
import { exec } from './exec.ts';

/** Who asks a registry: what the daemon takes in the X-Registry-Auth header. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

/** What is sent with a pull, and why it is sent without credentials though some are configured. */
export interface RegistryAuth {
  readonly header: string | undefined;
  readonly problem: string | undefined;
}

const login = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});

/** The part of Docker's `config.json` that is read. */
const dockerConfig = z.object({
  auths: z.record(z.string(), login).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().default(''),
});

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/** The key Docker Hub has in config.json, ever since there was one registry. */
const HUB_KEY = 'https://index.docker.io/v1/';
/** The user name with which a helper says that its secret is a token. */
const TOKEN_USER = '<token>';
const HELPER_TIMEOUT_SECONDS = 60;

/** What is sent with a pull of an image. Like with Docker's own command line, it is tried without credentials, too. */
export async function findRegistryAuth(reference: string): Promise<RegistryAuth> {
  const { credentials, problem } = await findLogin(registryOf(reference));
  return { header: credentials && encode(credentials), problem };
}

/**
 * The credentials `docker login` left for a registry: from the helper that config.json names for it, from the store
 * it names for all, or from the file itself. Where they cannot be had there are none, and the problem says why.
 */
export async function findLogin(registry: string): Promise<{
  readonly credentials: Credentials | undefined;
  readonly problem: string | undefined;
}> {
  const { DOCKER_CONFIG, HOME = '/root' } = childEnvironment();
  const path = join(DOCKER_CONFIG ?? join(HOME, '.docker'), 'config.json');
  try {
    return { credentials: await findCredentials(path, registry), problem: undefined };
  } catch (error) {
    return { credentials: undefined, problem: `no credentials from ${path}: ${messageOf(error)}` };
  }
}

async function findCredentials(path: string, registry: string): Promise<Credentials | undefined> {
  const config = await readConfig(path);
  if (config === undefined) return undefined;
  const key = registry === 'docker.io' ? HUB_KEY : registry;
  const helper = config.credHelpers[key] ?? config.credHelpers[registry] ?? config.credsStore;
  if (helper !== '') return askHelper(helper, key);
  const found = Object.entries(config.auths).find(([name]) => hostOf(name) === hostOf(key));
  return found && fromFile(found[1], key);
}

async function readConfig(path: string): Promise<z.output<typeof dockerConfig> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, and with it a password.
    throw new Error('it is no JSON');
  }
  const checked = dockerConfig.safeParse(parsed);
  if (checked.success) return checked.data;
  throw new Error(`unexpected ${checked.error.issues.map(({ path: at }) => at.join('.')).join()}`);
}

/** Old logins have a URL for a key: `https://registry.example/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function fromFile(entry: z.output<typeof login>, serveraddress: string): Credentials | undefined {
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress };
  const [user, ...rest] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const username = user || entry.username;
  // Docker pads some with NUL characters.
  const password = rest.length > 0 ? rest.join(':').replace(/\0+$/, '') : entry.password;
  if (username === undefined || password === undefined) return undefined;
  return { username, password, serveraddress };
}

async function askHelper(helper: string, key: string): Promise<Credentials | undefined> {
  const command = getCredentials(helper);
  const { stdout, exitCode } = await exec(command, {
    input: key,
    timeoutSeconds: HELPER_TIMEOUT_SECONDS,
    accept: [1],
  }).catch((error: unknown) => {
    // Without what it printed: that may be half a password.
    throw new Error(messageOf(error).split(':\n')[0]);
  });
  // It answers so when it has none, which is no failure.
  if (exitCode === 1 && /credentials not found/i.test(stdout)) return undefined;
  if (exitCode === 1) throw new Error(`${command.file} failed: ${stdout.trim().slice(0, 200)}`);
  const answer = helperAnswer.safeParse(tryJson(stdout));
  if (!answer.success) throw new Error(`${command.file} gave no user name and secret`);
  const { Username: username, Secret: secret } = answer.data;
  return username === TOKEN_USER
    ? { identitytoken: secret, serveraddress: key }
    : { username, password: secret, serveraddress: key };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The Engine API wants base64url with padding (Go's base64.URLEncoding). */
function encode(credentials: Credentials): string {
  const text = Buffer.from(JSON.stringify(credentials)).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
