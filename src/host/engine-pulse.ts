import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** Where dockerd says which process it is. */
const PID_FILE = '/run/docker.pid';
const ANSWER_MS = 3000;

/**
 * Whether dockerd looks alive, for a few milliseconds of work: its process is there, and it answers. Asks nobody where
 * there is no process, since asking the socket would have systemd start one that a person stopped.
 */
export async function hasPulse(socketPath: string): Promise<boolean> {
  return isProcessThere() && (await answers(socketPath));
}

function isProcessThere(): boolean {
  try {
    process.kill(Number(readFileSync(PID_FILE, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether it answers. Where none runs, systemd may start one. */
export function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath });
    const end = (isAlive: boolean) => (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isAlive);
    };
    const timer = setTimeout(end(false), ANSWER_MS);
    socket.once('error', end(false));
    socket.once('data', end(true));
    socket.once('close', end(false));
    socket.once('connect', () => socket.write('GET /_ping HTTP/1.0\r\n\r\n'));
  });
}
