import type { ComposeModel } from './core/compose-model.ts';
import type { Host, Staging } from './host/host.ts';

/** A commit laid out beside the live tree, and what docker compose makes of it. */
export interface Release {
  readonly staging: Staging;
  readonly model: ComposeModel;
  /** What compose warned of. */
  readonly warnings: readonly string[];
}

/** Lays a commit out and has docker compose resolve it, as if it lay at the live place. */
export async function resolveRelease(host: Host, commit: string): Promise<Release> {
  const staging = await host.git.stage(commit);
  return { staging, ...(await host.compose.resolve(staging)) };
}
