import { readFileSync } from 'node:fs';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostRecordsDir, maxHosts } from './paths.ts';

/** How the cluster lies on a host's disk; `none` is a bare Debian with Docker. */
export type Layout = 'directory' | 'submodule' | 'own' | 'none';

/** Who uses a host name. A kept host belongs to nobody, and stays until `lab down`. */
export type HostRecord = {
  name: string;
  layout: Layout;
  ownerPid: number;
  ownerStart: string;
  kept: boolean;
};

/** Start time of a process in clock ticks: with the id it names one process for good. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Take the first free host name; race-free among processes, because `link` fails when the record exists. */
export async function claimHost(layout: Layout, kept: boolean): Promise<HostRecord> {
  const ownerStart = startOf(process.pid) ?? '';
  const draft = `${hostRecordsDir}/.draft-${process.pid}-${performance.now()}`;
  for (let number = 1; number <= maxHosts; number += 1) {
    const record = { name: `h${number}`, layout, ownerPid: process.pid, ownerStart, kept };
    await writeFile(draft, JSON.stringify(record));
    const claimed = await link(draft, recordFile(record.name)).then(
      () => true,
      () => false,
    );
    await rm(draft);
    if (claimed) return record;
  }
  throw new Error(`all ${maxHosts} lab hosts are in use: npm run lab -- down`);
}

/** Give the host name back. The machine must be gone. */
export async function releaseHost(name: string): Promise<void> {
  await rm(recordFile(name), { force: true });
}

export async function readRecord(name: string): Promise<HostRecord | undefined> {
  try {
    const record: HostRecord = JSON.parse(await readFile(recordFile(name), 'utf8'));
    return record;
  } catch {
    return undefined;
  }
}

export async function listRecords(): Promise<HostRecord[]> {
  const names = (await readdir(hostRecordsDir))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
  const records = await Promise.all(names.map((name) => readRecord(name)));
  return records
    .filter((record) => record !== undefined)
    .toSorted((a, b) => Number(a.name.slice(1)) - Number(b.name.slice(1)));
}

/** True when the process that made the host has ended without destroying it. */
export function isAbandoned(record: HostRecord): boolean {
  return !record.kept && startOf(record.ownerPid) !== record.ownerStart;
}

const recordFile = (name: string): string => `${hostRecordsDir}/${name}.json`;
