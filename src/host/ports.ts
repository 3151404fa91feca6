import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

/**
 * Whether a port of this host can be had, by trying to have it. A port that needs a privilege we
 * do not have (below 1024 in the sandbox) is asked for an answer instead.
 */
export async function portIsFree(port: number, protocol: string): Promise<boolean> {
  if (protocol === 'udp') return udpIsFree(port);
  const code = await listenCode(port);
  if (code === undefined) return true;
  return code === 'EACCES' ? !(await answers(port)) : false;
}

function listenCode(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 });
    const finish = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
  });
}

function udpIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code !== 'EADDRINUSE');
    });
    socket.bind(port, () => socket.close(() => resolve(true)));
  });
}
