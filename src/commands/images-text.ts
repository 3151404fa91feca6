import type { ImageAnswer } from '../core/image-look.ts';
import { momentText } from '../core/duration.ts';
import { printableText } from '../core/secrets.ts';
import { tagPolicyText } from '../core/tag-policy.ts';
import type { ImagesLook, ServiceImage } from '../look-for-images.ts';
import type { Screen } from './screen.ts';
import { tableLines } from './table.ts';

const head = ['service', 'image', 'runs', 'registry', 'policy', 'verdict'];

/** What `images` prints: a row a service, and below them why a registry gave no answer. */
export function imagesText(
  { services, registries }: ImagesLook,
  mode: string,
  { isTerminal, paint }: Screen,
): string {
  const [title = '', ...lines] = tableLines([head, ...services.map(rowOf)], isTerminal);
  const few = registries.filter(({ remaining }) => remaining !== undefined && remaining < FEW);
  return [
    paint('bold', title),
    ...lines.map((line, index) => paint(colourOf(services[index]), line)),
    ...failureLines(services).map((line) => paint('red', line)),
    ...few.map(({ registry, remaining }) =>
      paint('yellow', `${registry} allows ${remaining} more for now`),
    ),
    ...modeLines(mode),
  ].join('\n');
}

/** With fewer pulls left than this, a person should know. */
const FEW = 10;

function rowOf({ service, policy, looked }: ServiceImage): string[] {
  const answer = looked?.answer;
  return [
    service,
    printableText(policy.reference ?? '-'),
    shortDigest(looked?.here[0]),
    answer === undefined ? '-' : registryText(answer),
    policy.follow === 'not' ? '-' : policyText(policy),
    policy.follow === 'not' ? `not followed: ${policy.why}` : verdictText(answer),
  ];
}

function policyText(policy: Exclude<ServiceImage['policy'], { follow: 'not' }>): string {
  const { follow, tags, minimumAgeHours } = policy;
  return [
    tagPolicyText(tags),
    ...(minimumAgeHours > 0 ? [`≥ ${minimumAgeHours} h old`] : []),
    ...(follow === 'monitored' ? ['monitor only'] : []),
  ].join(', ');
}

function registryText(answer: ImageAnswer): string {
  switch (answer.verdict) {
    case 'same':
    case 'moved':
    case 'waiting':
      return `${answer.tag} ${shortDigest(answer.digest)}`;
    case 'local':
    case 'failed':
      return '-';
  }
}

function verdictText(answer: ImageAnswer | undefined): string {
  switch (answer?.verdict) {
    case 'same':
      return answer.note === undefined ? 'same' : `same: ${answer.note}`;
    case 'moved':
      return 'moved';
    case 'waiting':
      return `waits until ${momentText(answer.until)} UTC: ${answer.why}`;
    case 'local':
      return `not followed: it was built or loaded on this host${answer.why === undefined ? '' : ` (${answer.why})`}`;
    case 'failed':
      return `not known: ${answer.kind}`;
    case undefined:
      return '-';
  }
}

function colourOf(one: ServiceImage | undefined): 'red' | 'yellow' | 'dim' | 'reset' {
  switch (one?.looked?.answer.verdict) {
    case 'failed':
      return 'red';
    case 'moved':
    case 'waiting':
      return 'yellow';
    case 'same':
      return 'reset';
    case 'local':
    case undefined:
      return 'dim';
  }
}

function failureLines(services: readonly ServiceImage[]): string[] {
  const failed = services.flatMap(({ looked }) =>
    looked?.answer.verdict === 'failed' ? [looked.answer] : [],
  );
  const told = new Map(failed.map(({ detail, next }) => [printableText(detail), next]));
  return [...told].flatMap(([detail, next]) => [detail, `  next: ${next}`]);
}

function modeLines(mode: string): string[] {
  if (mode === 'builtin') return [];
  const who = mode === 'watchtower' ? 'this program leaves it to Watchtower' : 'nobody acts on it';
  return [
    `images.mode is ${mode}: ${who}`,
    '  next: set images.mode to builtin, to have it brought with backup, health gate and rollback',
  ];
}

const SHORT = 12;

function shortDigest(digest: string | undefined): string {
  return digest?.replace(/^sha\d+:/, '').slice(0, SHORT) ?? '-';
}
