import { fstatSync, readFileSync } from 'node:fs';
import { type IoVector, loadLibsystemd } from './native.ts';

export const SYSLOG_IDENTIFIER = 'orchestrator-update';

// The library and the unit we run in: looked up once, at the first entry.
let send: ((fields: Record<string, string | number>) => boolean) | undefined;

/**
 * Writes one entry to the journal, with the fields as given (names of capital letters, digits and _).
 * False when it could not be sent, so that the caller can print it instead. Multi-line and large
 * values are fine (300 kB measured).
 */
export function sendToJournal(fields: Record<string, string | number>): boolean {
  send ??= createSender();
  return send(fields);
}

function createSender(): (fields: Record<string, string | number>) => boolean {
  let journalSend: ReturnType<typeof loadLibsystemd>['journalSend'];
  try {
    journalSend = loadLibsystemd().journalSend;
  } catch {
    return () => false;
  }
  const constant = constantFields(unitOf(readCgroup())).map(toVector);
  return (fields) => {
    const vectors = [...constant];
    for (const [name, value] of Object.entries(fields)) vectors.push(toVector([name, value]));
    return journalSend(vectors, vectors.length) >= 0;
  };
}

/**
 * The fields every entry has. OBJECT_SYSTEMD_UNIT because journald loses the unit of entries whose
 * sender has exited before it looked (5 of 5 measured; systemd issue 2913); `journalctl -u` honours it.
 */
export function constantFields(unit: string | undefined): [string, string][] {
  const fields: [string, string][] = [['SYSLOG_IDENTIFIER', SYSLOG_IDENTIFIER]];
  if (unit !== undefined) fields.push(['OBJECT_SYSTEMD_UNIT', unit]);
  return fields;
}

/** Our own unit in the text of /proc/self/cgroup, undefined when a person started us. */
export function unitOf(cgroup: string): string | undefined {
  return /\/(orchestrator-[a-z-]+\.service)(?:\/|$)/m.exec(cgroup)?.[1];
}

function readCgroup(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return '';
  }
}

function toVector([name, value]: [string, string | number]): IoVector {
  const bytes = Buffer.from(`${name}=${value}`);
  return { iov_base: bytes, iov_len: bytes.length };
}

/** Whether stderr (fd 2) is the stream $JOURNAL_STREAM names as `device:inode`, see systemd.exec(5). */
export function stderrIsJournal(env: NodeJS.ProcessEnv): boolean {
  const stream = env['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
