import type { ComposeModel } from './compose-model.ts';
import { own } from './own.ts';

/** Sections whose objects compose copies into containers, where they are no files of the host. */
const givingSections = ['configs', 'secrets'] as const;
type GivingSection = (typeof givingSections)[number];

/** Where compose puts an object whose target is no absolute path. */
const directories: Readonly<Record<GivingSection, string>> = {
  configs: '',
  secrets: '/run/secrets',
};

/** A config or a secret that comes from a text of the model or from a variable. */
export interface GivenObject {
  readonly section: GivingSection;
  readonly name: string;
  /** As the model writes it: `$` is `$$`. */
  readonly content?: string;
  readonly variable?: string;
}

/** SHA-256 of what an object holds, in the model; compose takes `x-` fields and ignores them. */
const DIGEST = 'x-orchestrator-update-sha256';

interface RawObject {
  readonly content?: string;
  readonly environment?: string;
  readonly [DIGEST]?: string;
}

/** The configs and secrets of a model that are no files. */
export function givenObjects(model: ComposeModel): GivenObject[] {
  return givingSections.flatMap((section) =>
    Object.entries(model[section] ?? {}).flatMap(([name, one]): GivenObject[] => {
      const { content, environment } = (one ?? {}) as RawObject;
      if (content !== undefined) return [{ section, name, content }];
      return environment === undefined ? [] : [{ section, name, variable: environment }];
    }),
  );
}

/**
 * The model with what its objects hold, so that a variable with another value makes another model:
 * compose itself has only the name of the variable in it.
 */
export function withDigests(
  model: ComposeModel,
  digests: readonly { readonly object: GivenObject; readonly sha256: string }[],
): ComposeModel {
  if (digests.length === 0) return model;
  const section = (which: GivingSection): Readonly<Record<string, unknown>> => ({
    ...model[which],
    ...Object.fromEntries(
      digests
        .filter(({ object }) => object.section === which)
        .map(({ object: { name }, sha256 }) => [
          name,
          { ...(model[which]?.[name] as RawObject), [DIGEST]: sha256 },
        ]),
    ),
  });
  return { ...model, configs: section('configs'), secrets: section('secrets') };
}

/** A file that compose wrote into the containers of a service. */
export interface GivenFile {
  /** `secret key`. */
  readonly what: string;
  /** In the container. */
  readonly path: string;
  readonly sha256: string;
}

/** The files that the containers of a service were given, as far as the model knows what is in them. */
export function givenFiles(model: ComposeModel, service: string): GivenFile[] {
  return givingSections.flatMap((section) => {
    const uses = own(model.services, service)?.[section];
    return (Array.isArray(uses) ? (uses as Use[]) : []).flatMap(({ source, target }) => {
      const sha256 = (own(model[section], source) as RawObject | null | undefined)?.[DIGEST];
      if (sha256 === undefined) return [];
      const name = target ?? source;
      const path = name.startsWith('/') ? name : `${directories[section]}/${name}`;
      return [{ what: `${section.slice(0, -1)} ${source}`, path, sha256 }];
    });
  });
}

interface Use {
  readonly source: string;
  readonly target?: string;
}
