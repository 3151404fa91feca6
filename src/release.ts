import type { ComposeModel } from './core/compose-model.ts';
import { withPins } from './core/pins.ts';
import type { Host, Resolved, Staging } from './host/host.ts';
import { readDeployed } from './records.ts';

/** A commit laid out beside the live tree, and what docker compose makes of it. */
export interface Release extends Resolved {
  readonly staging: Staging;
  /** As its compose file has it; `model` has the images that were chosen here in their places. */
  readonly declared: ComposeModel;
}

/**
 * Lays a commit out and has docker compose resolve it, as if it lay at the live place, with the images that were chosen
 * here for what it names.
 */
export async function resolveRelease(host: Host, commit: string): Promise<Release> {
  const staging = await host.git.stage(commit);
  const resolved = await host.compose.resolve(staging);
  const { pins = {} } = (await readDeployed(host.state)) ?? {};
  const { model: declared } = resolved;
  return { staging, ...resolved, declared, model: withPins(declared, pins) };
}
