import { FULL } from './engine-diagnosis.ts';
import { atLeast } from './version.ts';

/** Small databases of an engine that may be damaged, each known by what is said of it at the last start. */
export type EngineDatabase = 'networks' | 'volumes' | 'containerd';

/** How a database that cannot be read is spoken of: by bbolt itself, or the kernel. */
const UNREADABLE =
  /invalid database|checksum error|version mismatch|file size too small|unexpected EOF|structure needs cleaning/i;
const NETWORKS = /initializing network controller: error obtaining controller instance/i;
const VOLUMES = /opening volume store metadata database/i;
/** containerd runs on without the part of it that keeps them. */
const CONTAINERD = /unknown service containerd\.services\.\w+\.v1\.\w+/i;
const METADATA = /io\.containerd\.metadata\.v1\.bolt/;
/** A daemon that was ready, or is begun anew: what was said before is over. */
const READY =
  /Daemon has completed initialization|Started docker\.service|Starting docker\.service/;
const BEGUN = /starting containerd|Starting containerd\.service/;

/**
 * The database that keeps dockerd from starting; undefined where it is none. One that is in use (`timeout`) is not
 * damaged.
 *
 * @param docker the last lines of its journal
 * @param containerd the same of containerd's
 */
export function damagedDatabase(docker: string, containerd: string): EngineDatabase | undefined {
  const last = lastFailure(docker);
  if (last === undefined) return undefined;
  if (CONTAINERD.test(last)) {
    const says = since(containerd, BEGUN).some(
      (line) => METADATA.test(line) && UNREADABLE.test(line),
    );
    return says ? 'containerd' : undefined;
  }
  if (NETWORKS.test(last) && UNREADABLE.test(last)) return 'networks';
  return VOLUMES.test(last) && UNREADABLE.test(last) ? 'volumes' : undefined;
}

/** Nothing of this is mended by beginning anew: a disk, somebody else who has it, the kernel, a setting. */
const NOT_DAMAGED =
  /no space left|read-only file system|quota|input\/output error|timeout|permission denied|not supported|unknown option|too many open files|device or resource busy/i;
/** How Docker speaks of what it keeps, where the path is not named. */
const KEPT = /graphdriver|image store|layer store|reference store/i;

/**
 * Whether dockerd does not start because of what it keeps.
 *
 * @param docker the last lines of its journal
 * @param root where it keeps everything
 */
export function blamesRoot(docker: string, root: string): boolean {
  const last = lastFailure(docker);
  if (last === undefined || NOT_DAMAGED.test(last)) return false;
  return last.includes(`${root}/`) || KEPT.test(last);
}

/** Whether dockerd did not start since nothing more can be written where it keeps everything, by the same. */
export function blamesDisk(docker: string, root: string): boolean {
  const last = lastFailure(docker) ?? '';
  return FULL.test(last) && last.includes(`${root}/`);
}

/**
 * Whether a dockerd that begins anew has containerd keep its images. Source: release notes of Docker 29.0.
 *
 * @param said what `dockerd --version` prints
 */
export function beginsWithContainerd(said: string): boolean {
  return atLeast(/\d+\.\d+\.\d+/.exec(said)?.[0] ?? '0', '29.0.0');
}

function lastFailure(docker: string): string | undefined {
  return since(docker, READY).findLast((line) =>
    /failed to start daemon|Error starting daemon/i.test(line),
  );
}

function since(text: string, mark: RegExp): string[] {
  const lines = text.split('\n');
  return lines.slice(lines.findLastIndex((line) => mark.test(line)) + 1);
}
