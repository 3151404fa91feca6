import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { composeDirectory, type ComposeVersion } from '../support/compose-versions.ts';
import type { LabHost } from './lab-host.ts';

const pluginDirectory = '/usr/local/lib/docker/cli-plugins';

/** Gives a host the Debian package of a version, before the one it came with; returns what it has then. */
export async function bringCompose(host: LabHost, version: ComposeVersion): Promise<string> {
  // What PATH finds there is a link to the plugin.
  const program = await realpath(`${await composeDirectory(version, () => {})}/docker-compose`);
  await host.copyIn(dirname(program), pluginDirectory, [basename(program)]);
  const { stdout } = await host.run('docker', ['compose', 'version', '--short'], { reject: true });
  return stdout.trim();
}
