import { createHash } from 'node:crypto';
import type { EngineApi } from './engine-api.ts';

/** Of a tar archive, in bytes: POSIX.1-1988, ustar. */
const HEADER = { bytes: 512, sizeAt: 124, sizeBytes: 12, typeAt: 156 } as const;
/** Types that mean a plain file. */
const PLAIN = ['0', '\0'];

/**
 * SHA-256 of a plain text file in a container, running or not; undefined where there is none, or it
 * cannot be had. Docker sends a file as a tar archive with one entry. What is no UTF-8 has the digest of
 * something else, and so differs from every text, which is all that is asked.
 */
export async function fileDigest(
  api: EngineApi,
  container: string,
  path: string,
): Promise<string | undefined> {
  const query = new URLSearchParams({ path });
  const answer = await api('GET', `/containers/${container}/archive?${query.toString()}`);
  if (answer.status !== 200 || typeof answer.body !== 'string') return undefined;
  const archive = Buffer.from(answer.body, 'utf8');
  if (!PLAIN.includes(String.fromCharCode(archive[HEADER.typeAt] ?? 1))) return undefined;
  const size = archive.toString('latin1', HEADER.sizeAt, HEADER.sizeAt + HEADER.sizeBytes);
  const sizeBytes = Number.parseInt(size, 8);
  if (!Number.isInteger(sizeBytes)) return undefined;
  const content = archive.subarray(HEADER.bytes, HEADER.bytes + sizeBytes);
  return createHash('sha256').update(content).digest('hex');
}
