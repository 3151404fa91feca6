import { sharesNamespaceWith, type ComposeModel } from './compose-model.ts';
import type { Action, Decision } from './service-plan.ts';

const moving: ReadonlySet<Action> = new Set(['recreate', 'rename', 'create']);

/** How much a service whose container does this takes along those that share its namespace. */
function rank(action: Action | undefined): number {
  if (action === 'restart') return 1;
  return action !== undefined && moving.has(action) ? 2 : 0;
}

/** Who shares the namespace of a service goes where that goes, however indirectly. */
export function followNamespaces(after: ComposeModel, decisions: Map<string, Decision>): void {
  for (let isDone = false; !isDone;) {
    isDone = true;
    for (const [name, service] of Object.entries(after.services)) {
      const leader = sharesNamespaceWith(service).toSorted(
        (left, right) => rank(decisions.get(right)?.action) - rank(decisions.get(left)?.action),
      )[0];
      const theirs = rank(decisions.get(leader ?? '')?.action);
      if (leader === undefined || theirs <= rank(decisions.get(name)?.action)) continue;
      const action = theirs === 2 ? 'recreate' : 'restart';
      decisions.set(name, { action, reasons: [`it shares a namespace with ${leader}`] });
      isDone = false;
    }
  }
}

/** `depends_on: {x: {restart: true}}`: restarted after x was made anew. */
export function followRestarts(after: ComposeModel, decisions: Map<string, Decision>): void {
  for (const name of restartedDependents(
    [...decisions].flatMap(([one, { action }]) => (action === 'recreate' ? [one] : [])),
    after,
  )) {
    const mine = decisions.get(name);
    if (mine?.action !== 'untouched' && mine?.action !== 'signal') continue;
    decisions.set(name, { action: 'restart', reasons: ['what it depends on is made anew'] });
  }
}

/** The services that ask to be restarted with one of these, in name order. */
function restartedDependents(services: readonly string[], model: ComposeModel): string[] {
  return Object.entries(model.services)
    .filter(([, { depends_on: needs }]) => services.some((name) => needs?.[name]?.restart === true))
    .map(([name]) => name)
    .toSorted();
}
