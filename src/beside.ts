import type { Config } from './config/schema.ts';
import type { Host } from './host/host.ts';

/** The project that a backup is brought up as; one at a time. */
export function projectBeside({ project_name: project }: Config): string {
  return `${project}-verify`;
}

/** Removes what is there of a backup that was brought up, also one that was cut off. */
export async function dropBeside(host: Host, config: Config): Promise<void> {
  const project = projectBeside(config);
  if ((await host.engine.containers(project)).length > 0) await host.compose.downBeside(project);
  await host.backups.sweep();
}
