import type { ComposeModel, Service } from './compose-model.ts';
import { hoursOf } from './duration.ts';
import { parseImageReference } from './image-reference.ts';
import { own } from './own.ts';
import { parseTagPolicy, TAG_POLICIES, type TagPolicy } from './tag-policy.ts';

const ENABLE = 'orchestrator-update.images.enable';
const MONITOR_ONLY = 'orchestrator-update.images.monitor-only';
const MINIMUM_AGE = 'orchestrator-update.images.minimum-age';
const TAGS = 'orchestrator-update.images.tags';

/** What holds for a service that does not say it: `images` of the configuration. */
export interface ImageDefaults {
  readonly services: 'all' | 'labelled';
  readonly minimum_age_hours: number;
  /** As `parseTagPolicy` reads it. */
  readonly tags: string;
}

/** What is done about newer images of a service. */
export type ImagePolicy =
  | {
      /** `monitored`: it is asked and told of, and nothing is changed. */
      readonly follow: 'followed' | 'monitored';
      readonly reference: string;
      readonly tags: TagPolicy;
      readonly minimumAgeHours: number;
    }
  | { readonly follow: 'not'; readonly reference: string | undefined; readonly why: string };

/** A label that says nothing this program knows. */
export interface BadLabel {
  readonly service: string;
  readonly label: string;
  readonly value: string;
  /** What it knows. */
  readonly known: string;
}

const isBoolean = (value: string): boolean => value === 'true' || value === 'false';

const checks: Readonly<Record<string, readonly [fits: (value: string) => boolean, known: string]>> =
  {
    [ENABLE]: [isBoolean, '"true" and "false" are known'],
    [MONITOR_ONLY]: [isBoolean, '"true" and "false" are known'],
    [MINIMUM_AGE]: [(value) => hoursOf(value) !== undefined, 'a span is expected: 90m, 36h, 3d'],
    [TAGS]: [(value) => parseTagPolicy(value) !== undefined, TAG_POLICIES],
  };

/** Where every label about images begins. */
const PREFIX = 'orchestrator-update.images.';

/** Labels about images with values, or names, that make no sense. */
export function badImageLabels(model: ComposeModel): BadLabel[] {
  return Object.entries(model.services).flatMap(([service, definition]) =>
    Object.entries(labelsOf(definition)).flatMap(([label, value]): BadLabel[] => {
      if (!label.startsWith(PREFIX)) return [];
      const [fits, known] = own(checks, label) ?? [
        () => false,
        `labels about images are ${Object.keys(checks).join(', ')}`,
      ];
      return fits(value) ? [] : [{ service, label, value, known }];
    }),
  );
}

/** Says of every service whether its image is followed, and if not, why. A label that makes no sense counts as none. */
export function imagePolicies(
  model: ComposeModel,
  defaults: ImageDefaults,
): Record<string, ImagePolicy> {
  return Object.fromEntries(
    Object.entries(model.services).map(([name, service]) => [name, policyOf(service, defaults)]),
  );
}

function policyOf(service: Service, defaults: ImageDefaults): ImagePolicy {
  const { image: reference } = service;
  const labels = labelsOf(service);
  const why = whyNot(service, labels, defaults);
  if (reference === undefined || why !== undefined) {
    return { follow: 'not', reference, why: why ?? 'it has no image' };
  }
  return {
    follow: own(labels, MONITOR_ONLY) === 'true' ? 'monitored' : 'followed',
    reference,
    tags: parseTagPolicy(own(labels, TAGS) ?? '') ??
      parseTagPolicy(defaults.tags) ?? { kind: 'same-tag' },
    minimumAgeHours: hoursOf(own(labels, MINIMUM_AGE) ?? '') ?? defaults.minimum_age_hours,
  };
}

/** A name of an image, as distribution/reference has it; what it does not allow cannot be asked for. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

function whyNot(
  { image, build, pull_policy: pulls }: Service,
  labels: Readonly<Record<string, string>>,
  { services }: ImageDefaults,
): string | undefined {
  if (build !== undefined) return 'it is built here';
  if (image === undefined || image === '') return 'it has no image';
  const { name, tag, digest } = parseImageReference(image);
  if (digest !== undefined) return 'the compose file names its digest';
  if (!NAME.test(name) || !TAG.test(tag ?? '')) return 'its image is none of a registry';
  if (own(labels, ENABLE) === 'false') return `its label ${ENABLE} says so`;
  if (services === 'labelled' && own(labels, ENABLE) !== 'true') {
    return `images.services is labelled, and it has no label ${ENABLE}: "true"`;
  }
  return pulls === 'never' ? 'its pull_policy is never' : undefined;
}

function labelsOf(service: Service): Readonly<Record<string, string>> {
  const labels = (service['labels'] ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
