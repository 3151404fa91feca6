import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { badImageLabels } from './core/image-policy.ts';
import { ON_FILE_CHANGE, onFileChange } from './core/on-file-change.ts';
import { InvalidReleaseError, RefusedError } from './errors.ts';
import type { Host } from './host/host.ts';

const LOCK_SECONDS = 5;

/** A change of commit that is asked for. */
interface Move {
  readonly from: string;
  readonly to: string;
  /** Also to a commit that does not contain the present one. */
  readonly allowRewind: boolean;
}

/**
 * Refuses what must not be started: a work tree with changes of its own, a branch that went
 * back, files of the operator's that a checkout would overwrite. Nothing is changed.
 */
export async function refuseUnsafe(host: Host, config: Config, wish: Move): Promise<void> {
  await refuseLocked(host);
  const dirty = await host.git.dirtyFiles();
  if (dirty.length > 0) {
    throw new RefusedError(
      `the work tree has changes that are not committed: ${dirty.join(', ')}`,
      'commit and push them, or put them aside with git stash; then start the update again',
    );
  }
  const [inTheWay, { commit: head, branch }] = await Promise.all([
    host.git.untrackedInTheWay(wish.to),
    host.git.head(),
  ]);
  if (inTheWay.length > 0) {
    throw new RefusedError(
      `files that are not in git would be overwritten by ${wish.to.slice(0, 12)}: ${inTheWay.join(', ')}`,
      'move them away or commit them; then start the update again',
    );
  }
  if (branch !== undefined && branch !== config.branch) {
    throw new RefusedError(
      `the work tree is on branch ${branch}, not on ${config.branch}`,
      `git -C ${host.git.directory} switch ${config.branch}    # or set \`branch\` in the configuration`,
    );
  }
  if (wish.allowRewind) return;
  for (const commit of new Set([wish.from, head])) {
    if (await host.git.isAncestor(commit, wish.to)) continue;
    throw new RefusedError(
      `branch ${config.branch} is at ${wish.to.slice(0, 12)}, which does not contain ${commit.slice(0, 12)}: it was rewritten, went back, or this host has commits of its own`,
      `git log ${commit.slice(0, 12)}...${wish.to.slice(0, 12)}; to go back on purpose: orchestrator-update rollback --to ${wish.to.slice(0, 12)}`,
    );
  }
}

/** A checkout would fail in the middle of the update. Whoever is at work has a moment to end. */
async function refuseLocked(host: Host): Promise<void> {
  if ((await host.git.locks()).length === 0) return;
  await host.sleep(LOCK_SECONDS);
  const locks = await host.git.locks();
  if (locks.length === 0) return;
  throw new RefusedError(
    `another git is at work in the work tree, or one was killed there: ${locks.join(', ')}`,
    `ps -C git -o pid,etime,args; when there is none: rm ${locks.join(' ')}`,
  );
}

/** A variable that is not set and has no default is a mistake: compose would put nothing there. */
export function refuseUnset(names: readonly string[]): void {
  if (names.length === 0) return;
  const are = names.length === 1 ? 'variable is' : 'variables are';
  throw new RefusedError(
    `the new release needs a value that this host does not have: ${are} not set: ${names.join(', ')}`,
    `put ${names.join(', ')} into the .env file beside the compose file (an empty value counts), or under compose.environment in the configuration, or give a default in the compose file: \${${names[0]}:-}; or accept blanks: orchestrator-update run --force`,
  );
}

/** A label that says nothing this program knows would be ignored in silence. */
export function refuseBadLabels(model: ComposeModel, commit: string): void {
  const [image] = badImageLabels(model);
  if (image !== undefined) {
    const { service, label, value, known } = image;
    throw new InvalidReleaseError(
      commit,
      `the label ${label} of service ${service} makes no sense: ${value}`,
      `${known}; mend it and push`,
    );
  }
  const bad = Object.keys(model.services).filter(
    (name) => onFileChange(model.services[name] ?? {}) === undefined,
  );
  if (bad.length === 0) return;
  throw new InvalidReleaseError(
    commit,
    `the label ${ON_FILE_CHANGE} of service ${bad.join(', ')} makes no sense`,
    'recreate, restart, signal:HUP (or another signal) and ignore are known; mend it and push',
  );
}
