import type { Risk, RiskFinding } from './risk.ts';

/** What may be done about changes of a risk without asking. */
export type PolicyAction = 'apply' | 'approve' | 'refuse';

/** The operator's word on each risk. */
export type Policy = Readonly<Record<Risk, PolicyAction>>;

/** A risk of a plan, and whom it concerns. */
export interface PlanRisk extends RiskFinding {
  /** `service NAME` or `volumes`. */
  readonly subject: string;
}

/** What a policy makes of a plan. */
export interface Judgement {
  readonly action: PolicyAction;
  /** What an approval is needed for, or what is refused: one sentence each, in the plan's order. */
  readonly because: readonly string[];
}

/** Who begins an update: the timer, unless the policy objects; nobody but a person; a person, whom the timer tells. */
export type Mode = 'auto' | 'approve' | 'notify';

const strictness: readonly PolicyAction[] = ['apply', 'approve', 'refuse'];

/** Judges a plan: the strictest word on any of its risks counts. */
export function judge(policy: Policy, risk: Risk, risks: readonly PlanRisk[]): Judgement {
  const levels = new Set<Risk>([risk, ...risks.map((one) => one.risk)]);
  const actions = [...levels].map((level) => policy[level]);
  const action = strictness.findLast((one) => actions.includes(one)) ?? 'apply';
  if (action === 'apply') return { action, because: [] };
  const named = risks.filter((one) => policy[one.risk] === action);
  const because = named.map(({ subject, why }) => `${subject}: ${why}`);
  return { action, because: because.length > 0 ? because : [`policy.${risk}: ${action}`] };
}

/** What a mode makes of a judgement: under `approve`, what the policy would apply waits for a person, too. */
export function inMode(mode: Mode, judgement: Judgement): Judgement {
  const waits = mode === 'approve' && judgement.action === 'apply';
  return waits ? { action: 'approve', because: ['mode: approve'] } : judgement;
}
