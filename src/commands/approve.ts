import { judgePlan, refusedByPolicy } from '../approval.ts';
import type { Invocation } from '../command-table.ts';
import { RefusedError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { short } from '../outcome.ts';
import { writeApproval } from '../records.ts';
import { planUpdate } from '../update.ts';
import { openContext, openDoor, withLock } from './context.ts';

/** `approve`: a person allows the update that the policy holds back, with the risks it has now. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const door = openDoor(invocation.environment);
  return withLock(invocation, async () => {
    const { host, config, log, statusLine } = await openContext(invocation, door);
    const { plan } = await planUpdate(host, config, { force: false }).finally(() =>
      statusLine.clear(),
    );
    const [wanted] = invocation.positionals;
    if (wanted !== undefined && (await host.git.resolve(wanted)) !== plan.to) {
      throw new RefusedError(
        `${wanted} is not the tip of ${config.branch}, which is ${short(plan.to)}`,
        `orchestrator-update plan; then: orchestrator-update approve ${short(plan.to)}`,
      );
    }
    const { action, because } = judgePlan(config, plan);
    if (action === 'refuse') throw refusedByPolicy(plan, because);
    const approval = { commit: plan.to, because: [...because], at: host.now().toISOString() };
    if (action === 'approve') await writeApproval(host.state, approval);
    if (invocation.json) {
      const approved = action === 'approve' ? approval : null;
      process.stdout.write(`${JSON.stringify({ approved })}\n`);
    }
    log.info(
      action === 'approve'
        ? `approved ${short(plan.to)}: ${because.join('; ')}; the next run applies it`
        : `nothing to approve: ${short(plan.to)} needs no approval`,
    );
    await log.flush();
    return exitCodes.done;
  });
}
