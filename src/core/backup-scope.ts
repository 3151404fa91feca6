import { isWithin } from './contents.ts';
import type { ComposeModel } from './compose-model.ts';
import { namedVolumesOf } from './mounts.ts';
import type { Container, ContainerMount } from './observe.ts';
import { own } from './own.ts';

/** A named volume, as Docker has it. */
export interface Volume {
  readonly name: string;
  readonly driver: string;
  /** Where its files are on this host. */
  readonly mountpoint: string;
  /** What the driver was told: `{type: nfs, device: …, o: …}`. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export type FreezeBy = 'pause' | 'stop';

/** What a backup copies, and who must not write meanwhile. */
export interface BackupScope {
  readonly volumes: readonly { readonly name: string; readonly path: string }[];
  /** What a person might expect to find in the backup and will not. */
  readonly leftOut: readonly { readonly subject: string; readonly why: string }[];
  readonly writers: readonly { readonly container: Container; readonly by: FreezeBy }[];
}

export interface ScopeInput {
  readonly model: ComposeModel;
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly workTree: string;
  /** Not copied, where it lies in the work tree. */
  readonly backupsDirectory: string;
  /** How writers are frozen whose service does not say so. */
  readonly freeze: FreezeBy | 'none';
  /** Names of volumes that are left out; `*` stands for any characters. */
  readonly excludedVolumes: readonly string[];
}

/** On a volume (`false`): it is not backed up. */
export const BACKUP_LABEL = 'orchestrator-update.backup';
/** On a service: `pause`, `stop` or `none` while its data is copied. */
export const FREEZE_LABEL = 'orchestrator-update.backup.freeze';

/** Decides what a backup of the cluster holds: the volumes of its release and those it has mounted now. */
export function scopeOf(input: ScopeInput): BackupScope {
  const found = volumesOf(input).map((volume) => ({ volume, why: reasonToLeave(volume, input) }));
  const volumes = found.flatMap(({ volume, why }) =>
    why === undefined ? [{ name: volume.name, path: pathOf(volume) }] : [],
  );
  const leftOut = found.flatMap(({ volume, why }) =>
    why === undefined ? [] : [{ subject: `volume ${volume.name}`, why }],
  );
  const names = new Set(volumes.map(({ name }) => name));
  return {
    volumes,
    leftOut: [...leftOut, ...bindsOutside(input)],
    writers: byService(input.containers).flatMap((container) => {
      const by = freezeOf(container, input);
      const writes = container.mounts.some((mount) => isCopied(mount, names, input));
      return writes && by !== undefined ? [{ container, by }] : [];
    }),
  };
}

function byService(containers: readonly Container[]): Container[] {
  return containers.toSorted((left, right) => (left.service < right.service ? -1 : 1));
}

function volumesOf({ model, containers, volumes }: ScopeInput): Volume[] {
  const wanted = new Set([
    ...Object.values(model.services).flatMap((service) =>
      namedVolumesOf(model, service).map(({ source }) => source),
    ),
    ...containers.flatMap(({ mounts }) => mounts.map(({ volume }) => volume)),
  ]);
  return volumes
    .filter(({ name }) => wanted.has(name) && !ANONYMOUS_NAME.test(name))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** Docker names an anonymous volume by 64 hex digits; it goes with its container. */
const ANONYMOUS_NAME = /^[0-9a-f]{64}$/;

function reasonToLeave(volume: Volume, { excludedVolumes }: ScopeInput): string | undefined {
  const { name, driver, options, labels } = volume;
  if (own(labels, BACKUP_LABEL) === 'false') return `its label ${BACKUP_LABEL} says so`;
  if (excludedVolumes.some((pattern) => matches(name, pattern))) {
    return 'backup.exclude_volumes says so';
  }
  if (driver !== 'local') return `its data is kept by the volume driver ${driver}`;
  const type = options['type'] ?? 'none';
  if (options['device'] === undefined || isBind(options) || type === 'none') return undefined;
  return type === 'tmpfs' ? 'it is in memory only' : `its data is kept elsewhere (${type})`;
}

/** A volume that is a directory somewhere else is mounted at its own place only while it is used. */
function pathOf({ mountpoint, options }: Volume): string {
  return isBind(options) ? (options['device'] ?? mountpoint) : mountpoint;
}

function isBind(options: Readonly<Record<string, string>>): boolean {
  return (options['o'] ?? '').split(',').some((one) => one === 'bind' || one === 'rbind');
}

/** Whether a name is that of a pattern, in which `*` stands for any characters. */
export function matches(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

/** Sockets and devices of the host are no data. */
const NO_DATA = /^\/(dev|proc|sys|run|var\/run)(\/|$)/;

function bindsOutside({ containers, workTree }: ScopeInput): BackupScope['leftOut'] {
  const left = containers.flatMap(({ service, mounts }) =>
    mounts
      .filter(
        ({ type, source, isWritable }) =>
          type === 'bind' && isWritable && !NO_DATA.test(source) && !isWithin(source, workTree),
      )
      .map(({ source }) => ({
        subject: `${source} of service ${service}`,
        why: 'it is outside of the work tree',
      })),
  );
  return [...new Map(left.map((one) => [one.subject, one])).values()];
}

function isCopied(
  { type, volume, source, isWritable }: ContainerMount,
  volumes: ReadonlySet<string>,
  { workTree, backupsDirectory }: ScopeInput,
): boolean {
  if (!isWritable) return false;
  if (volume !== undefined) return volumes.has(volume);
  if (type !== 'bind' || isWithin(source, backupsDirectory)) return false;
  return isWithin(source, workTree) || isWithin(workTree, source);
}

/** One that Docker restarts again and again cannot be paused: it is stopped. */
function freezeOf(
  { service, state }: Container,
  { model, freeze }: ScopeInput,
): FreezeBy | undefined {
  const labels = (own(model.services, service)?.['labels'] ?? {}) as Record<string, string>;
  const said = own(labels, FREEZE_LABEL) ?? freeze;
  if (said === 'none') return undefined;
  if (state === 'restarting') return 'stop';
  if (state !== 'running') return undefined;
  return said === 'stop' ? 'stop' : 'pause';
}
