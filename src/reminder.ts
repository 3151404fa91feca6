import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isReminderDue, type Reminded } from './core/reminder.ts';
import { files } from './state-names.ts';

/**
 * Whether a person is to be told of something now. Remembers that they were; where that cannot be
 * written they are told once too often.
 *
 * @param name the file it is remembered in: it has room for one thing
 */
export async function remind(
  stateDirectory: string,
  about: string,
  now: Date,
  name: string = files.reminded,
): Promise<boolean> {
  const file = join(stateDirectory, name);
  if (!isReminderDue(readReminded(file), about, now.getTime())) return false;
  const { replaceFile } = await import('./host/state-files.ts');
  const reminded: Reminded = { about, atMs: now.getTime() };
  await replaceFile(file, `${JSON.stringify(reminded)}\n`).catch(() => {});
  return true;
}

/** Without the schema: it is read on the way to "nothing to do". What is damaged counts for nothing. */
function readReminded(file: string): Reminded | undefined {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Reminded> | null;
    const { about, atMs } = found ?? {};
    return typeof about === 'string' && typeof atMs === 'number' ? { about, atMs } : undefined;
  } catch {
    return undefined;
  }
}
