import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { ComposeModel, Service } from '../../src/core/compose-model.ts';
import type { Container } from '../../src/core/observe.ts';
import type { PlanInput } from '../../src/core/plan-input.ts';

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
    composeVersion: '2.40.3',
    imageId: `sha256:${service}`,
    image: `${service}:1`,
    state: 'running',
    health: undefined,
    exitCode: 0,
    restartCount: 0,
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '0001-01-01T00:00:00Z',
    restartPolicy: 'unless-stopped',
    networks: ['shop_default'],
    mounts: [],
    anonymousVolumes: [],
    ...rest,
  };
}

/** A hash a service as compose makes it: of all but what it leaves out. */
export function hashes({ services }: ComposeModel): Record<string, string> {
  return Object.fromEntries(
    Object.entries(services).map(([name, service]) => [
      name,
      canonicalJson({ ...service, build: null, scale: null }),
    ]),
  );
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
    imageIds: Object.fromEntries(
      Object.entries(before.services).map(([name, { image }]) => [image ?? '', `sha256:${name}`]),
    ),
    containers: Object.keys(before.services).map((name) =>
      container(name, { configHash: hashes(before)[name] ?? '' }),
    ),
    dormant: [],
    stale: {},
    imageVolumes: {},
    hashesBefore: hashes(before),
    hashesAfter: hashes(after),
    repairsDrift: true,
    strategy: 'reconcile',
    composeVersion: '2.40.3',
    everything: false,
    warnings: [],
    ...rest,
  };
}
