import { request } from 'node:http';
import { OperatorError } from '../errors.ts';

/** The answer of the Engine API. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One request to the Engine API over its socket. */
export type EngineApi = (method: string, path: string) => Promise<ApiAnswer>;

/** The daemon's socket: DOCKER_HOST where it names one, else Docker's default. */
export function dockerSocket(environment: NodeJS.ProcessEnv): string {
  const host = environment['DOCKER_HOST'];
  return host?.startsWith('unix://') ? host.slice('unix://'.length) : '/var/run/docker.sock';
}

/** Opens the API. Without a version in the path the daemon answers with its newest. */
export function openEngineApi(socketPath: string, timeoutSeconds: number): EngineApi {
  return (method, path) =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void =>
        reject(
          new OperatorError(
            `Docker does not answer (${method} ${path} on ${socketPath}): ${why}`,
            'systemctl status docker; journalctl -u docker -n 50',
          ),
        );
      const call = request({ socketPath, method, path, timeout: timeoutSeconds * 1000 });
      call.once('timeout', () => call.destroy(new Error(`no answer within ${timeoutSeconds} s`)));
      call.once('error', (error) => fail(error.message));
      call.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', (error) => fail(error.message));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks)) }),
        );
      });
      call.end();
    });
}

function parse(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
