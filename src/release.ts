import type { Host, Resolved, Staging } from './host/host.ts';

/** A commit laid out beside the live tree, and what docker compose makes of it. */
export interface Release extends Resolved {
  readonly staging: Staging;
}

/** Lays a commit out and has docker compose resolve it, as if it lay at the live place. */
export async function resolveRelease(host: Host, commit: string): Promise<Release> {
  const staging = await host.git.stage(commit);
  return { staging, ...(await host.compose.resolve(staging)) };
}
