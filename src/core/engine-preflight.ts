import type { EngineClient } from './engine-clients.ts';
import type { EngineProbe } from './engine-health.ts';
import type { EngineParts } from './engine-parts.ts';
import { dockerdIn, oldestApiOf, shutOut } from './engine-transaction.ts';
import type { EngineUpgrade } from './engine-upgrade.ts';
import { wordsOf } from './package-words.ts';

/** What is known before an engine is upgraded. */
export interface EngineFactsBefore {
  readonly parts: EngineParts;
  readonly upgrade: EngineUpgrade;
  readonly probes: readonly EngineProbe[];
  readonly clients: readonly EngineClient[];
  readonly isSwarm: boolean;
  /** What dpkg or rpm has left unfinished; undefined where all is whole. */
  readonly unfinishedPackages: string | undefined;
  /** Somebody installs packages at this moment. */
  readonly isInstalling: boolean;
  /** Bytes; of the disk that the programs are on, and of the one that packages are kept on. */
  readonly freeBytes: readonly number[];
  /** The newest backup that nobody knows to be damaged; undefined where there is none. */
  readonly backup: { readonly name: string; readonly ageHours: number } | undefined;
  /** Why nothing may be changed on this host now; undefined where it may. */
  readonly hindrance: string | undefined;
}

/** Why an engine is not upgraded, and what to do about it. */
export interface EngineRefusal {
  readonly why: string;
  readonly next: string;
}

/** Old and new packages are 60 MB each here, unpacked 250 MB. */
export const NEEDED_BYTES = 1_000_000_000;

/** Everything that speaks against an upgrade; what is not well before, nobody can tell from what is not well after. */
export function refusalsOf(
  facts: EngineFactsBefore,
  limits: { readonly backupHours: number },
): EngineRefusal[] {
  const { parts, upgrade, probes, clients, backup, hindrance } = facts;
  const words = wordsOf(parts.packageManager);
  const status = 'orchestrator-update engine status';
  const broken = probes.filter(({ state }) => state === 'failed');
  const target = dockerdIn(upgrade.changes, 'to');
  const refusals: (EngineRefusal | false)[] = [
    parts.why !== undefined && { why: parts.why, next: status },
    hindrance !== undefined && { why: hindrance, next: 'orchestrator-update status' },
    facts.isSwarm && {
      why: 'it is a node of a swarm: its containers belong to others, too',
      next: 'docker node update --availability drain NODE; then upgrade it by hand',
    },
    facts.unfinishedPackages !== undefined && {
      why: `packages are unfinished: ${facts.unfinishedPackages.split('\n')[0] ?? ''}`,
      next: words.unfinished,
    },
    facts.isInstalling && {
      why: 'somebody installs packages at this moment',
      next: `try again when that has ended: ${words.installers}`,
    },
    facts.freeBytes.some((free) => free < NEEDED_BYTES) && {
      why: `less than ${NEEDED_BYTES / 1e6} MB are free`,
      next: 'df -h /usr /var/lib/orchestrator-update',
    },
    backup === undefined && {
      why: 'there is no good backup',
      next: 'orchestrator-update backup create',
    },
    backup !== undefined &&
      backup.ageHours > limits.backupHours && {
        why: `the newest good backup is ${Math.round(backup.ageHours)} h old`,
        next: 'orchestrator-update backup create',
      },
    ...broken.map(({ name, detail }) => ({
      why: `it does not work now: ${name}: ${detail}`,
      next: 'orchestrator-update engine repair',
    })),
    ...upgrade.refusals.map((why) => ({ why, next: status })),
    ...(target === undefined ? [] : shutOut(clients, oldestApiOf(target))).map((why) => ({
      why,
      next: 'upgrade that client first, or stop it',
    })),
  ];
  return refusals.filter((one) => one !== false);
}
