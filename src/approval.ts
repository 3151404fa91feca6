import type { Config } from './config/schema.ts';
import type { Plan } from './core/plan.ts';
import { judge, type Judgement } from './core/policy.ts';
import { RefusedError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Host } from './host/host.ts';
import { short, type Outcome } from './outcome.ts';
import { readApproval, writeAwaiting, type Approval } from './records.ts';

/** What the operator's policy makes of a plan; nothing to apply is nothing to judge. */
export function judgePlan(config: Config, plan: Plan): Judgement {
  if (plan.verdict === 'nothing') return { action: 'apply', because: [] };
  return judge(config.policy, plan.risk, plan.risks);
}

/** The error that says what the policy forbids. */
export function refusedByPolicy(plan: Plan, because: readonly string[]): RefusedError {
  return new RefusedError(
    `the policy of this host refuses ${short(plan.to)}: ${because.join('; ')}`,
    'push a release without it, or allow it under `policy` in the configuration',
  );
}

/** Whether a person has approved this commit with all of these risks. */
export function isApproved(
  approval: Approval | undefined,
  commit: string,
  because: readonly string[],
): boolean {
  return approval?.commit === commit && because.every((one) => approval.because.includes(one));
}

/**
 * Holds a plan that a person has to approve first, and refuses one that the policy forbids.
 * Nothing was touched. An approval is for one release with these very risks: when the branch moves
 * on, or more turns out to be risky, it is asked for again.
 *
 * @returns undefined when the plan may be carried out
 */
export async function awaitApproval(
  host: Host,
  config: Config,
  plan: Plan,
): Promise<Outcome | undefined> {
  const { action, because } = judgePlan(config, plan);
  if (action === 'apply') return undefined;
  if (action === 'refuse') throw refusedByPolicy(plan, because);
  const what = because.join('; ');
  const approval = await readApproval(host.state);
  if (isApproved(approval, plan.to, because)) {
    host.log.info(`approved at ${approval?.at}: ${what}`, { commit: plan.to });
    return undefined;
  }
  const at = host.now().toISOString();
  await writeAwaiting(host.state, { commit: plan.to, because: [...because], at });
  return {
    result: 'waiting',
    exitCode: exitCodes.waiting,
    summary: `an update waits for approval: ${short(plan.from)} → ${short(plan.to)}: ${what}`,
    next: `orchestrator-update plan    # look; then: orchestrator-update approve ${short(plan.to)}`,
    from: plan.from,
    to: plan.to,
    remindOf: `approval ${plan.to}: ${what}`,
  };
}
