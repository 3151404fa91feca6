import { existsSync, globSync, readFileSync } from 'node:fs';
import { Agent as PlainAgent, request as plainRequest, type IncomingMessage } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { isThisHost } from '../core/registry.ts';
import { messageOf } from '../errors.ts';

/** One request to a web server. */
export interface WebRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Larger answers are none. */
  readonly mostBytes: number;
}

/** What came back, whole. */
export interface WebAnswer {
  readonly status: number;
  /** The value of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

/** No answer came, or one that is too large. */
export class NoAnswerError extends Error {
  readonly isTooLarge: boolean;
  /** The connection was kept from before, and the server had closed it. */
  readonly isStale: boolean;

  constructor(message: string, { isTooLarge = false, isStale = false } = {}) {
    super(message);
    this.isTooLarge = isTooLarge;
    this.isStale = isStale;
  }
}

/** Connections to one registry and what it sends us to. */
export interface Web {
  /** Redirects are answers. @throws {NoAnswerError} within the time */
  send(request: WebRequest): Promise<WebAnswer>;
  close(): void;
}

/** Where systems keep the certificates they trust, as Docker finds them. */
const TRUST_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
];

/** What Docker trusts for one registry: `ca.crt` in the directory of its name. */
const CERTIFICATES = '/etc/docker/certs.d';

/**
 * Opens the way to a registry. Certificates are verified always: with what this system trusts, and what Docker was
 * told to trust for this registry.
 */
export function openWeb(
  registryHost: string,
  timeoutSeconds: () => number,
  signal: () => AbortSignal | undefined,
): Web {
  const settings = {
    keepAlive: true,
    maxSockets: 8,
    // Of Node 24.5; its types are older. Like Docker, without one for this very host.
    proxyEnv: isThisHost(registryHost) ? {} : process.env,
  };
  let secure: Agent | undefined;
  const plain = new PlainAgent(settings);
  return {
    send: (one) => {
      const isPlain = one.url.protocol === 'http:';
      secure ??= isPlain
        ? undefined
        : new Agent({ ...settings, secureContext: trustFor(registryHost) });
      const agent = isPlain ? plain : secure;
      const again = (error: unknown): Promise<WebAnswer> => {
        if (!(error instanceof NoAnswerError) || !error.isStale) throw error;
        return send(one, agent, timeoutSeconds(), signal());
      };
      return send(one, agent, timeoutSeconds(), signal()).catch(again);
    },
    close: () => {
      plain.destroy();
      secure?.destroy();
    },
  };
}

function trustFor(registryHost: string): SecureContext {
  const system = TRUST_FILES.find((path) => existsSync(path));
  const usual = system === undefined ? rootCertificates : [readFileSync(system, 'utf8')];
  // A name with a slash, or of dots alone, is none of a host.
  const isName = /^[\w[][\w.:[\]-]*$/.test(registryHost);
  const own = isName ? globSync(`${CERTIFICATES}/${globbed(registryHost)}/*.crt`) : [];
  return createSecureContext({ ca: [...usual, ...own.map((path) => readFileSync(path, 'utf8'))] });
}

/** An address of IPv6 stands in brackets. */
function globbed(text: string): string {
  return text.replaceAll(/[[\]]/g, '[$&]');
}

function send(
  { method, url, headers, body, mostBytes }: WebRequest,
  agent: Agent | PlainAgent | undefined,
  timeoutSeconds: number,
  signal: AbortSignal | undefined,
): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    let why: NoAnswerError | undefined;
    let hasBegun = false;
    const options: RequestOptions = { method, headers, agent, ...(signal ? { signal } : {}) };
    const call = url.protocol === 'http:' ? plainRequest(url, options) : request(url, options);
    const end = (error: NoAnswerError): void => {
      why ??= error;
      call.destroy();
    };
    const timer = setTimeout(
      () => end(new NoAnswerError(`no whole answer within ${timeoutSeconds} s`)),
      timeoutSeconds * 1000,
    );
    const fail = (error: Error): void => {
      clearTimeout(timer);
      const isStale = call.reusedSocket && !hasBegun;
      const noAnswer = why ?? new NoAnswerError(failureOf(error), { isStale });
      reject(signal?.aborted ? signal.reason : noAnswer);
    };
    call.once('error', fail);
    call.once('response', (response) => {
      hasBegun = true;
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > mostBytes)
          end(new NoAnswerError(`more than ${mostBytes} bytes`, { isTooLarge: true }));
        else chunks.push(chunk);
      });
      response.once('error', fail);
      response.once('close', () => fail(new Error('the connection was closed in the middle')));
      response.once('end', () => {
        clearTimeout(timer);
        resolve(answerOf(response, Buffer.concat(chunks)));
      });
    });
    call.end(body);
  });
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, body: Buffer): WebAnswer {
  return {
    status: statusCode,
    header: (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body,
  };
}

function failureOf(error: Error): string {
  return error instanceof AggregateError
    ? [...new Set(error.errors.map(messageOf))].join('; ')
    : messageOf(error);
}
