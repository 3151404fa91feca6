import { loadLibsystemd } from './native.ts';

/** Tells systemd how the run goes. Does nothing when systemd does not listen. */
export interface Notifier {
  /** The outcome is known and good. The last act of a run: exit at once after it resolves. */
  ready(status: string): Promise<void>;
  /** The line `systemctl status` shows. */
  status(text: string): void;
  /** Progress was seen: give the start (or stop) at least `seconds` more, counted from now. */
  extend(seconds: number): void;
  /** A stop was asked for and is being carried out. */
  stopping(status: string): void;
}

/** Sends one sd_notify(3) message, `KEY=value` lines. Throws when it could not be sent. */
type Send = (state: string) => void;

const EXTEND_INTERVAL_MS = 1000;

const silent: Notifier = {
  ready: () => Promise.resolve(),
  status: () => {},
  extend: () => {},
  stopping: () => {},
};

/**
 * A notifier for $NOTIFY_SOCKET in `env`, which is taken out of `env`, so that no child can report
 * READY=1 in our name.
 */
export function createNotifier(env: NodeJS.ProcessEnv): Notifier {
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return silent;
  delete env['NOTIFY_SOCKET'];

  let send: Send;
  try {
    const { notify } = loadLibsystemd();
    send = (state) =>
      withSocket(socket, () => {
        const code = notify(0, state);
        if (code < 0) throw new Error(`systemd was not told ${JSON.stringify(state)}: ${code}`);
      });
  } catch {
    return packageNotifier(socket);
  }
  return libraryNotifier(send, () => performance.now());
}

/** Over libsystemd. `nowMs` is a monotonic clock. Exported for the tests. */
export function libraryNotifier(send: Send, nowMs: () => number): Notifier {
  let lastStatus = '';
  let extendedAtMs = -Infinity;
  let deadlineMs = -Infinity;

  return {
    ready: async (status) => send(`READY=1\nSTATUS=${oneLine(status)}`),
    status: (text) => {
      const line = oneLine(text);
      if (line === lastStatus) return;
      lastStatus = line;
      attempt(() => send(`STATUS=${line}`));
    },
    extend: (seconds) => {
      const now = nowMs();
      const wanted = now + seconds * 1000;
      // A message a second is enough for steady progress; a longer step gets its time at once.
      const soon = now - extendedAtMs < EXTEND_INTERVAL_MS;
      if (soon && wanted < deadlineMs + EXTEND_INTERVAL_MS) return;
      extendedAtMs = now;
      deadlineMs = Math.max(deadlineMs, wanted);
      attempt(() => send(`EXTEND_TIMEOUT_USEC=${Math.round(seconds * 1_000_000)}`));
    },
    stopping: (status) => attempt(() => send(`STOPPING=1\nSTATUS=${oneLine(status)}`)),
  };
}

/**
 * Over npm systemd-notify, where libsystemd cannot be loaded. It knows READY and STATUS only, so the
 * run has TimeoutStartSec and no more. Measured: without CAP_SYS_ADMIN systemd hears it only with
 * NotifyAccess=all, and its promise resolves all the same.
 */
function packageNotifier(socket: string): Notifier {
  const send = async (message: { ready?: true; status: string }) => {
    const { default: notify } = await import('systemd-notify');
    // It spawns before it returns, so the child has the socket and later children do not.
    await withSocket(socket, () => notify(message)).catch((reason: unknown) => {
      throw new Error(`systemd was not told ${JSON.stringify(message)}: ${String(reason)}`);
    });
  };
  const status = (text: string) => void send({ status: oneLine(text) }).catch(() => {});
  return {
    ready: (text) => send({ ready: true, status: oneLine(text) }),
    status,
    extend: () => {},
    stopping: status,
  };
}

/** Runs `action` with $NOTIFY_SOCKET set: Node's process.env is the C environment sd_notify reads. */
function withSocket<T>(socket: string, action: () => T): T {
  process.env['NOTIFY_SOCKET'] = socket;
  try {
    return action();
  } finally {
    delete process.env['NOTIFY_SOCKET'];
  }
}

/** A lost status line or heartbeat is not worth failing an update for; a lost READY=1 is. */
function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // The next message may get through; TimeoutStartSec judges if none does.
  }
}

/** One line, so that text of others (a commit subject, an error) cannot add a field. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}
