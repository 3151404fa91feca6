/** A metric with its samples, for a Prometheus textfile. */
export interface Metric {
  /** Without `orchestrator_update_`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a metric begins with. */
const PREFIX = 'orchestrator_update_';

/** The text format of Prometheus; a metric without a sample is left out, and so is a value that is no number. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .map(({ samples, ...metric }) => ({
      ...metric,
      samples: samples.filter(({ value }) => Number.isFinite(value)),
    }))
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) =>
      [
        `# HELP ${PREFIX}${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`,
        `# TYPE ${PREFIX}${name} ${type}\n`,
        ...samples.map(({ labels, value }) => `${PREFIX}${name}${labelsText(labels)} ${value}\n`),
      ].join(''),
    )
    .join('');
}

function labelsText(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
