import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { codeOf } from '../errors.ts';

/** A boot begins with an empty `/run`. The kernel's own name of a boot is not seen from our sandbox. */
const FILE = '/run/orchestrator-update.boot';

/** What this boot is called here; the same for all of us. */
export async function readBootId(): Promise<string> {
  const id = randomUUID();
  try {
    await writeFile(FILE, id, { flag: 'wx', mode: 0o600 });
    return id;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return readFile(FILE, 'utf8');
  }
}
