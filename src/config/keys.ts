import { z } from 'zod';
import { configSchema } from './schema.ts';

/** One key of the configuration, for documents and for messages. */
export interface KeyInfo {
  /** Dotted path: `health.timeout_seconds`. */
  readonly key: string;
  readonly description: string;
  readonly type: string;
  /** JSON text of the default; undefined where it depends on other keys. */
  readonly defaultText: string | undefined;
}

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: unknown;
}

/** Every key in the order of the schema. */
export function keyInfos(): KeyInfo[] {
  return collect(z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema, '');
}

/** The dotted paths of every key. */
export function keyPaths(): string[] {
  return keyInfos().map(({ key }) => key);
}

/** The paths of the sections around them: `health`. */
export function sectionPaths(): string[] {
  const sections = keyPaths().flatMap((key) =>
    key.includes('.') ? [key.replace(/\.[^.]*$/, '')] : [],
  );
  return [...new Set(sections)];
}

function collect(schema: JsonSchema, prefix: string): KeyInfo[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const key = prefix + name;
    if (inner.properties) return collect(inner, `${key}.`);
    return [
      {
        key,
        description: inner.description ?? '',
        type: typeText(inner),
        defaultText: inner.default === undefined ? undefined : JSON.stringify(inner.default),
      },
    ];
  });
}

function typeText(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.join(' \\| ');
  if (schema.type === 'array') return `list of ${schema.items?.type ?? 'object'}s`;
  if (schema.type === 'object') return 'map of names to strings';
  const range =
    schema.minimum !== undefined && schema.maximum !== undefined && schema.maximum < 1e15
      ? `, ${schema.minimum} to ${schema.maximum}`
      : '';
  return `${schema.type ?? 'value'}${range}`;
}
