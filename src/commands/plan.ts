import { styleText } from 'node:util';
import { printable } from '../argv/command.ts';
import { printableStep } from '../argv/steps.ts';
import { identify, judgePlan } from '../approval.ts';
import { readApproval, readAwaiting, type Approval } from '../approval-records.ts';
import type { Invocation } from '../command-table.ts';
import { changeText } from '../core/moved-image.ts';
import type { Plan, Step } from '../core/plan.ts';
import type { Problem } from '../core/preflight.ts';
import type { Judgement, Mode } from '../core/policy.ts';
import type { Risk } from '../core/risk.ts';
import { printableText } from '../core/secrets.ts';
import type { ServicePlan } from '../core/service-plan.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { Host } from '../host/host.ts';
import { short } from '../outcome.ts';
import { planUpdate } from '../propose-update.ts';
import { describeStep } from '../steps.ts';
import { openContext, openDoor } from './context.ts';
import { keeperLines, keepersNow } from './plan-images.ts';
import { tableLines } from './table.ts';

/** `plan`: what a run would do and why. Changes nothing but git's own store of objects. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { host, config, statusLine } = await openContext(
    invocation,
    openDoor(invocation.environment),
  );
  const options = { force: invocation.flags['force'] === true };
  const { plan, problems, model } = await planUpdate(host, config, options).finally(() =>
    statusLine.clear(),
  );
  const keepers = await keepersNow(host, config, model);
  const policy = judgePlan(config, plan);
  const asked = await whatIsAsked(host, plan, options);
  const { id, hash, approval } = asked;
  const approved = approval === undefined ? null : { by: approval.by, at: approval.at };
  const text = invocation.json
    ? JSON.stringify(
        { id, hash, ...plan, policy, approved, problems, images: keepers },
        undefined,
        2,
      )
    : [
        planText(plan, policy, asked, process.stdout.isTTY),
        ...keeperLines(keepers, process.stdout.isTTY),
        ...modeLines(plan, policy, config.mode, asked),
        ...problemLines(problems),
      ].join('\n');
  process.stdout.write(`${text}\n`);
  if (problems.length > 0) return exitCodes.failed;
  const waits = policy.action === 'approve' && approval === undefined;
  return waits ? exitCodes.waiting : exitCodes.done;
}

/** What a person types to approve this very plan, and whether somebody has. */
interface Asked {
  readonly id: string;
  readonly hash: string;
  readonly approval: Approval | undefined;
  /** What to type to have it carried out. */
  readonly next: string;
}

async function whatIsAsked(
  host: Host,
  plan: Plan,
  { force }: { readonly force: boolean },
): Promise<Asked> {
  const approval = await readApproval(host.state);
  const awaiting = await readAwaiting(host.state);
  const { id, hash } = identify(plan, awaiting);
  // Planned with force, it waits only once it was run so.
  const isWaiting = !force || (awaiting?.force === true && awaiting.hash === hash);
  const next = isWaiting ? `orchestrator-update approve ${id}` : 'orchestrator-update run --force';
  if (approval !== undefined && identify(plan, approval).hash === approval.hash) {
    return { id: approval.id, hash: approval.hash, approval, next };
  }
  return { id, hash, approval: undefined, next };
}

const colours = { safe: 'green', look: 'yellow', dangerous: 'red' } as const satisfies Record<
  Risk,
  string
>;

function planText(plan: Plan, policy: Judgement, asked: Asked, isTerminal: boolean): string {
  const isSame = plan.from === plan.to && plan.moved === undefined;
  const title = isSame
    ? `nothing to do: ${short(plan.to)} is deployed`
    : `${changeText(plan)}: ${plan.verdict}, ${plan.strategy}, ${plan.risk}`;
  const isIdle = plan.verdict === 'nothing' && isSame;
  return [
    styleText('bold', title),
    ...(isIdle ? [] : [`plan ${asked.id}`]),
    '',
    ...(isSame ? [] : plan.reasons.map((reason) => `  • ${reason}`)),
    ...plan.warnings.map((warning) => styleText('yellow', `  ⚠ ${warning}`)),
    ...plan.risks.map(({ risk, subject, why }) =>
      styleText(colours[risk], `  ${risk}: ${subject}: ${why}`),
    ),
    '',
    ...serviceTable(plan.services, isTerminal),
    ...(isIdle ? [] : stepsText(plan)),
    ...policyText(policy, asked),
  ].join('\n');
}

/** What would stop the run before anything is touched. */
function problemLines(problems: readonly Problem[]): string[] {
  if (problems.length === 0) return [];
  return [
    '',
    styleText('red', 'this host is not ready for it:'),
    ...problems.flatMap(({ problem, next }) => [`  ${problem}`, `    next: ${next}`]),
  ];
}

function stepsText(plan: Plan): string[] {
  return [
    '',
    'Before anything is touched:',
    ...stepLines(plan.prepare),
    'Then:',
    ...stepLines(plan.apply),
    '  verify; on failure all of it is taken back',
  ];
}

function policyText({ action, because }: Judgement, { approval, next }: Asked): string[] {
  if (action === 'apply') return [];
  if (action === 'approve' && approval !== undefined) {
    return ['', `approved by ${approval.by} at ${approval.at}: the next run applies it`];
  }
  return [
    '',
    styleText('red', `${action === 'approve' ? 'waits for approval' : 'refused'}:`),
    ...because.map((one) => `  ${one}`),
    ...(action === 'approve' ? [`next: ${next}`] : []),
  ];
}

/** What the service does not do by itself. */
function modeLines(plan: Plan, { action }: Judgement, mode: Mode, asked: Asked): string[] {
  if (mode !== 'notify' || action !== 'apply' || plan.verdict === 'nothing') return [];
  if (asked.approval !== undefined) return policyText({ action: 'approve', because: [] }, asked);
  return ['', 'the service only tells of it (mode: notify)', `next: ${asked.next}`];
}

/** A row a service; the values that differ below it. */
function serviceTable(services: readonly ServicePlan[], isTerminal: boolean): string[] {
  const rows = services.map((one) => [
    one.from === undefined ? one.service : `${one.from} → ${one.service}`,
    one.action,
    one.risk,
    interruption(one),
    one.reasons.join('; ') || '-',
  ]);
  const [head = '', ...lines] = tableLines(
    [['service', 'what', 'risk', 'interruption', 'why'], ...rows],
    isTerminal,
  );
  return [
    styleText('bold', head),
    ...lines.flatMap((line, index) => {
      const one = services[index];
      const values = one?.action === 'untouched' ? [] : (one?.values ?? []);
      return [
        one && one.action !== 'untouched' ? styleText(colours[one.risk], line) : line,
        ...values.map(({ path, from, to }) =>
          styleText(
            'dim',
            `    ${printableText(path)}: ${printableText(from ?? '(none)')} → ${printableText(to ?? '(none)')}`,
          ),
        ),
      ];
    }),
  ];
}

/** How long a service is away, as far as it can be known before: its own start comes on top. */
function interruption({ action, stopSecondsAtMost }: ServicePlan): string {
  if (action === 'untouched' || action === 'create' || action === 'signal') return 'none';
  const stop = `stop (≤ ${Math.round(stopSecondsAtMost)} s)`;
  return action === 'remove' ? `for good: ${stop}` : `${stop} + start`;
}

function stepLines(steps: readonly Step[]): string[] {
  if (steps.length === 0) return ['  (nothing)'];
  return steps.flatMap((step, index) => [
    `  ${index + 1}. ${describeStep(step)}`,
    ...printableStep(step).map((command) => styleText('dim', `       ${printable(command)}`)),
  ]);
}
