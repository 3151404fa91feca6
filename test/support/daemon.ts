import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A daemon on a socket of its own, ended with the test; the name has room for 107 bytes. */
export async function daemon(t: { teardown: (end: () => void) => void }, answer: Answer) {
  const directory = mkdtempSync(join(tmpdir(), 'engine-'));
  const socket = join(directory, 's');
  const server = createServer(answer);
  await new Promise<void>((ready) => server.listen(socket, ready));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return socket;
}
