import { createHash } from 'node:crypto';
import type { ComposeModel } from '../core/compose-model.ts';
import { givenObjects, type GivenObject } from '../core/given.ts';

/** What the configs and secrets hold that are no files. */
export interface GivenContents {
  readonly digests: readonly { readonly object: GivenObject; readonly sha256: string }[];
  /** Variables that a config or a secret comes from, and that are not set. */
  readonly unset: readonly string[];
}

/** Names that compose can interpolate. */
const INTERPOLATED = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Learns what a release puts into its configs and secrets. For the values of variables a project is
 * rendered that asks for just those, so that they are what compose itself takes, wherever from.
 *
 * @param render has docker compose resolve a project as if it were the release
 */
export async function readGivenContents(
  model: ComposeModel,
  render: (project: object) => Promise<unknown>,
): Promise<GivenContents> {
  const objects = givenObjects(model);
  const names = [...new Set(objects.flatMap(({ variable }) => variable ?? []))].filter((name) =>
    INTERPOLATED.test(name),
  );
  const values = names.length > 0 ? valuesIn(names, await render(asking(names))) : new Map();
  const digests = objects.flatMap((object) => {
    const text = object.content ?? (values.get(object.variable ?? '') as string | undefined);
    return text === undefined ? [] : [{ object, sha256: digest(unescaped(text)) }];
  });
  return { digests, unset: names.filter((name) => !values.has(name)) };
}

function asking(names: readonly string[]): object {
  const each = (word: string): object =>
    Object.fromEntries(names.map((name) => [name, `\${${name}${word}}`]));
  return { services: {}, 'x-values': each('-'), 'x-set': each('+set') };
}

function valuesIn(names: readonly string[], rendered: unknown): ReadonlyMap<string, string> {
  const { 'x-values': values = {}, 'x-set': set = {} } = rendered as Record<
    'x-values' | 'x-set',
    Readonly<Record<string, string>> | undefined
  >;
  return new Map(
    names.flatMap((name) => (set[name] === 'set' ? [[name, values[name] ?? ''] as const] : [])),
  );
}

/** Compose prints `$` as `$$`, so that it can read its own model. */
function unescaped(text: string): string {
  return text.replaceAll('$$', '$');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
