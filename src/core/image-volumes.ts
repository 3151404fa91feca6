import type { ComposeModel, Service } from './compose-model.ts';
import { mountsOf } from './mounts.ts';
import type { Plan } from './plan.ts';
import { dangerous, look, riskOf, type RiskFinding } from './risk.ts';

/** The paths that two images declare as VOLUME: where what runs in them keeps its data. */
export interface ImageVolumes {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * What is risky about a service whose image keeps its data elsewhere than the one before (PostgreSQL 18
 * did so). Compose hands an anonymous volume on only to an image that declares the same path.
 */
export function imageVolumeRisks(
  model: ComposeModel,
  service: Service,
  { before, after }: ImageVolumes,
): RiskFinding[] {
  const [gone, come] = [without(before, after), without(after, before)];
  if (gone.length === 0) return [];
  if (come.length > 0) {
    return [
      dangerous(`its image keeps data in ${come.join(', ')}, and no longer in ${gone.join(', ')}`),
    ];
  }
  const mounted = new Set(mountsOf(model, service).map(({ target }) => target));
  return gone.map((path) =>
    mounted.has(path)
      ? look(`its image no longer declares ${path} a volume; what is mounted there stays`)
      : dangerous(`its image no longer declares ${path} a volume: the data in it is left behind`),
  );
}

/** The plan with what its images turned out to bring; what it says already is not said again. */
export function withImageVolumes(
  plan: Plan,
  model: ComposeModel,
  volumes: Readonly<Record<string, ImageVolumes>>,
): Plan {
  const found = Object.entries(volumes).flatMap(([name, one]) =>
    imageVolumeRisks(model, model.services[name] ?? {}, one).map((risk) => ({
      subject: `service ${name}`,
      ...risk,
    })),
  );
  const isNew = (one: (typeof found)[number]): boolean =>
    !plan.risks.some(({ subject, why }) => subject === one.subject && why === one.why);
  const risks = [...plan.risks, ...found.filter(isNew)];
  return { ...plan, risks, risk: riskOf(risks) };
}

function without(paths: readonly string[], others: readonly string[]): string[] {
  return paths.filter((path) => !others.includes(path)).toSorted();
}
