import { styleText } from 'node:util';
import type { Config } from '../config/schema.ts';
import type { ComposeModel } from '../core/compose-model.ts';
import { imageKeepers, type ImageKeeper } from '../core/image-keepers.ts';
import type { Host } from '../host/host.ts';
import { tableLines } from './table.ts';

/** Who follows the image of each service of a release, by what runs on this host. */
export async function keepersNow(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<Readonly<Record<string, ImageKeeper>>> {
  const containers = await host.engine.hostContainers();
  const { project_name: project, images } = config;
  return imageKeepers(model, { project, images, containers });
}

/** The same for a person: between releases, who brings a newer image of which service. */
export function keeperLines(
  keepers: Readonly<Record<string, ImageKeeper>>,
  isTerminal: boolean,
): string[] {
  const all = Object.entries(keepers);
  const rows = all.map(([service, { by, why }]) => [service, by, why]);
  const [head = '', ...lines] = tableLines(
    [['service', 'newer images', 'why'], ...rows],
    isTerminal,
  );
  return [
    '',
    styleText('bold', head),
    ...lines,
    ...all.flatMap(([service, { warning }]) =>
      warning === undefined ? [] : [styleText('yellow', `  ⚠ ${service}: ${warning}`)],
    ),
  ];
}
