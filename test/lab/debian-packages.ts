import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.ts';

/**
 * Downloads packages (`name` or `name=version`) into a directory. Sources, lists and state are apt's own for this once:
 * what the outer machine installs from, and knows, stays as it is.
 *
 * @throws when a source does not have one of them, or not in that version
 */
export async function downloadPackages(
  sources: string,
  packages: readonly string[],
  directory: string,
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'lab-apt-'));
  const settings = [
    `Dir::Etc::SourceList=${work}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State=${work}/state`,
    `Dir::State::Status=${work}/status`,
    `Dir::Cache=${work}/cache`,
    // A mirror that stands still is as good: nothing here must be new.
    'Acquire::Check-Valid-Until=false',
    'Acquire::Languages=none',
    // The directory is root's.
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  try {
    await mkdir(`${work}/state/lists/partial`, { recursive: true });
    await mkdir(`${work}/cache/archives/partial`, { recursive: true });
    await writeFile(`${work}/sources.list`, sources);
    await writeFile(`${work}/status`, '');
    const options = { timeoutSeconds: 600, cwd: directory };
    await command('apt-get', [...settings, '-qq', 'update'], options);
    await command('apt-get', [...settings, '-qq', 'download', ...packages], options);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Makes a directory of packages a flat apt repository: `deb [trusted=yes] file:DIRECTORY ./`. */
export async function indexPackages(directory: string): Promise<void> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.deb')).toSorted();
  const entries = await Promise.all(files.map((name) => indexEntry(directory, name)));
  await writeFile(`${directory}/Packages`, entries.join('\n'));
}

async function indexEntry(directory: string, name: string): Promise<string> {
  const file = join(directory, name);
  const control = (await command('dpkg-deb', ['--field', file])).stdout.trimEnd();
  const content = await readFile(file);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return `${control}\nFilename: ./${name}\nSize: ${content.length}\nSHA256: ${sha256}\n`;
}
