import { request, type IncomingMessage } from 'node:http';
import { OperatorError } from '../errors.ts';
import { watchLines } from './lines.ts';

/** The answer of the Engine API. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One request to the Engine API over its socket; what is sent with it, is sent as JSON. */
export type EngineApi = (method: string, path: string, body?: object) => Promise<ApiAnswer>;

/** A request that the daemon answers bit by bit. Times in seconds. */
export interface StreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In all; then the connection is closed, which makes the daemon give up too. */
  readonly timeoutSeconds: number;
  /** Without a byte; then the same. */
  readonly idleSeconds: number;
  readonly signal: AbortSignal | undefined;
  /** A line of a good answer (HTTP 200), as it comes. */
  readonly onLine: (line: string) => void;
}

/** Resolves when the stream has ended: with its status, and with the body of an answer that is not 200. */
export type EngineStream = (request: StreamRequest) => Promise<ApiAnswer>;

/** Opens the API. Without a version in the path the daemon answers with its newest. */
export function openEngineApi(
  socketPath: string,
  timeoutSeconds: number,
  headers: Readonly<Record<string, string>> = {},
): EngineApi {
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(noAnswer(method, path, socketPath, why));
      const json = body === undefined ? {} : { 'content-type': 'application/json' };
      const all = { ...headers, ...json };
      const call = request({
        socketPath,
        method,
        path,
        headers: all,
        timeout: timeoutSeconds * 1000,
      });
      call.once('timeout', () => call.destroy(new Error(`no answer within ${timeoutSeconds} s`)));
      call.once('error', (error) => fail(error.message));
      call.once('response', (response) => collect(response, resolve, fail));
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

/** Opens the API for answers that take minutes, such as that to a pull. */
export function openEngineStream(socketPath: string): EngineStream {
  return ({ method, path, headers, timeoutSeconds, idleSeconds, signal, onLine }) =>
    new Promise((resolve, reject) => {
      let ended: string | undefined;
      const call = request({ socketPath, method, path, headers, timeout: idleSeconds * 1000 });
      const end = (why: string) => (): void => {
        ended ??= why;
        call.destroy();
      };
      const total = setTimeout(end(`took longer than ${timeoutSeconds} s`), timeoutSeconds * 1000);
      const stopped = end('was stopped');
      const settled = (): void => {
        clearTimeout(total);
        signal?.removeEventListener('abort', stopped);
      };
      const fail = (why: string): void => {
        settled();
        reject(
          ended === undefined
            ? noAnswer(method, path, socketPath, why)
            : new OperatorError(ended, 'orchestrator-update status'),
        );
      };
      call.once('timeout', end(`brought nothing for ${idleSeconds} s`));
      call.once('error', (error) => fail(error.message));
      const answered = (answer: ApiAnswer): void => {
        settled();
        resolve(answer);
      };
      call.once('response', (response) => {
        if (response.statusCode !== 200) return collect(response, answered, fail);
        watchLines(response, onLine);
        response.once('error', (error) => fail(error.message));
        response.once('end', () => answered({ status: 200, body: undefined }));
      });
      signal?.addEventListener('abort', stopped);
      if (signal?.aborted) stopped();
      call.end();
    });
}

function noAnswer(method: string, path: string, socketPath: string, why: string): OperatorError {
  return new OperatorError(
    `Docker does not answer (${method} ${path} on ${socketPath}): ${why}`,
    'systemctl status docker; journalctl -u docker -n 50',
  );
}

function collect(
  response: IncomingMessage,
  resolve: (answer: ApiAnswer) => void,
  fail: (why: string) => void,
): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.once('error', (error) => fail(error.message));
  response.once('end', () =>
    resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks)) }),
  );
}

function parse(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The answer, where its status is one of these. @throws {OperatorError} with what Docker said */
export function expect(answer: ApiAnswer, statuses: readonly number[], what: string): ApiAnswer {
  if (statuses.includes(answer.status)) return answer;
  throw new OperatorError(refusalOf(answer, what), 'journalctl -u docker -n 50');
}

/** What Docker says where it does not do something. */
export function refusalOf({ status, body }: ApiAnswer, what: string): string {
  const { message: said = `HTTP ${status}` } = (body ?? {}) as { message?: string };
  return `Docker refused ${what}: ${said}`;
}
