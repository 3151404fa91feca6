import { styleText } from 'node:util';
import { printable } from '../argv/command.ts';
import type { Invocation } from '../cli.ts';
import { printableStep } from '../argv/steps.ts';
import type { Plan, Step } from '../core/plan.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { short } from '../outcome.ts';
import { describeStep } from '../steps.ts';
import { planUpdate } from '../update.ts';
import { openContext, openDoor } from './context.ts';

/** `plan`: what a run would do and why. Changes nothing but git's own store of objects. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { host, config, statusLine } = await openContext(
    invocation,
    openDoor(invocation.environment),
  );
  const options = { force: invocation.flags['force'] === true };
  const proposal = await planUpdate(host, config, options).finally(() => statusLine.clear());
  if (invocation.json) {
    const plan = proposal?.plan ?? { verdict: 'nothing', reasons: [], prepare: [], apply: [] };
    process.stdout.write(`${JSON.stringify(plan, undefined, 2)}\n`);
  } else {
    const text = proposal
      ? planText(proposal.plan)
      : `nothing to do: the tip of ${config.branch} is deployed`;
    process.stdout.write(`${text}\n`);
  }
  return exitCodes.done;
}

function planText(plan: Plan): string {
  const title = styleText(
    'bold',
    `${short(plan.from)} → ${short(plan.to)}: ${plan.verdict}, ${plan.strategy}`,
  );
  return [
    title,
    '',
    ...plan.reasons.map((reason) => `  • ${reason}`),
    ...plan.warnings.map((warning) => styleText('yellow', `  ⚠ ${warning}`)),
    '',
    'Before anything is touched:',
    ...stepLines(plan.prepare),
    'Then:',
    ...stepLines(plan.apply),
    '  verify; on failure all of it is taken back',
  ].join('\n');
}

function stepLines(steps: readonly Step[]): string[] {
  if (steps.length === 0) return ['  (nothing)'];
  return steps.flatMap((step, index) => [
    `  ${index + 1}. ${describeStep(step)}`,
    ...printableStep(step).map((command) => styleText('dim', `       ${printable(command)}`)),
  ]);
}
