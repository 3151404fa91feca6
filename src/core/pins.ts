import type { ComposeModel } from './compose-model.ts';
import { own } from './own.ts';

/** A service that runs an image under another tag than the compose file names, as its tag policy allows. */
export interface Pin {
  /** What the compose file names. Once it names something else, that counts. */
  readonly declared: string;
  readonly reference: string;
}

/** By service. */
export type Pins = Readonly<Record<string, Pin>>;

/** By service: what it is to run. */
export type ChosenImages = Readonly<Record<string, string>>;

/** What runs of a release: its model with the images that were chosen for what it names. */
export function withPins(model: ComposeModel, pins: Pins): ComposeModel {
  const chosen = Object.entries(pins).filter(
    ([name, { declared }]) => own(model.services, name)?.image === declared,
  );
  return withImages(
    model,
    Object.fromEntries(chosen.map(([name, { reference }]) => [name, reference])),
  );
}

/** The model with other images; the same one where there are none. */
export function withImages(model: ComposeModel, images: ChosenImages): ComposeModel {
  const changed = Object.entries(images).flatMap(([name, image]) => {
    const service = own(model.services, name);
    return service === undefined || service.image === image ? [] : [[name, { ...service, image }]];
  });
  if (changed.length === 0) return model;
  return { ...model, services: { ...model.services, ...Object.fromEntries(changed) } };
}

/** What of a release runs otherwise than its compose file says. */
export function pinsBetween(declared: ComposeModel, runs: ComposeModel): Pins {
  return Object.fromEntries(
    Object.entries(runs.services).flatMap(([name, { image: reference }]): [string, Pin][] => {
      const said = own(declared.services, name)?.image;
      return said === undefined || reference === undefined || said === reference
        ? []
        : [[name, { declared: said, reference }]];
    }),
  );
}
