import type { ComposeModel, Service } from '../../src/core/compose-model.ts';
import type { Container } from '../../src/core/observe.ts';
import type { PlanInput } from '../../src/core/plan.ts';

export type Services = Readonly<Record<string, Service>>;

/** A resolved model with these services, as compose prints it. */
export function model(services: Services, rest: Partial<ComposeModel> = {}): ComposeModel {
  return { name: 'shop', ...rest, services };
}

/** A healthy container of a service. */
export function container(service: string, rest: Partial<Container> = {}): Container {
  return {
    id: `id-${service}`,
    name: `shop-${service}-1`,
    service,
    configHash: `hash-${service}`,
    imageId: `sha256:${service}`,
    image: `${service}:1`,
    state: 'running',
    health: undefined,
    exitCode: 0,
    restartCount: 0,
    startedAt: '2026-01-01T00:00:00Z',
    networks: ['shop_default'],
    anonymousVolumes: [],
    ...rest,
  };
}

/** What a plan is made of, with two images on the host and a compose that can do everything. */
export function planInput(
  before: ComposeModel,
  after: ComposeModel,
  rest: Partial<PlanInput> = {},
): PlanInput {
  return {
    kind: 'update',
    name: 'T1',
    backup: 'B1',
    from: 'a'.repeat(40),
    to: 'b'.repeat(40),
    before,
    after,
    contents: [],
    contentsBefore: rest.contents ?? [],
    changedPaths: [],
    servicesToBuild: [],
    runningImages: [],
    presentImages: Object.values(before.services).flatMap(({ image }) => image ?? []),
    strategy: 'reconcile',
    composeVersion: '2.40.3',
    everything: false,
    warnings: [],
    ...rest,
  };
}
