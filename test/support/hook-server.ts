import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server was sent. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How it answers the n-th request, from 0. */
export type Answer = (response: ServerResponse, number: number, received: Received) => void;

export const ok: Answer = (response) => void response.writeHead(200).end('ok');
export const status =
  (code: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end(body);
export const hang: Answer = () => {};
export const reset: Answer = (response) => void response.socket?.destroy();
/** Its head at once, its body for ever. */
export const trickle =
  (code: number): Answer =>
  (response) => {
    response.writeHead(code);
    const timer = setInterval(() => response.write('.'), 50);
    response.once('close', () => clearInterval(timer));
  };
/** One answer after the other; the last for ever. */
export const inTurn =
  (...answers: readonly Answer[]): Answer =>
  (response, number, received) =>
    answers[Math.min(number, answers.length - 1)]?.(response, number, received);

/** A real server on this host that keeps what it is sent; ended with the test. */
export async function hookServer(
  t: { teardown: (end: () => void) => void },
  answer: Answer,
): Promise<{ readonly url: string; readonly received: readonly Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      received.push(one);
      answer(response, received.length - 1, one);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}
