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

/**
 * The pins of a release that is gone to.
 *
 * @param before those of the release that is left
 * @param models both, with their pins
 * @param images what is chosen anew, at the same commit
 */
export function pinsAfter(
  before: Pins,
  models: { readonly before: ComposeModel; readonly after: ComposeModel },
  images: ChosenImages,
): Pins {
  const names = [...new Set([...Object.keys(before), ...Object.keys(images)])].toSorted();
  const pins = names.flatMap((name): [string, Pin][] => {
    const known = own(before, name);
    const declared = known?.declared ?? own(models.before.services, name)?.image;
    const runs = own(models.after.services, name)?.image;
    const isPinned = runs === (own(images, name) ?? known?.reference) && runs !== declared;
    return isPinned && runs !== undefined && declared !== undefined
      ? [[name, { declared, reference: runs }]]
      : [];
  });
  return Object.fromEntries(pins);
}
