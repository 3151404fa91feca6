import type { Config } from './config/schema.ts';
import { mayEnd } from './core/compose-model.ts';
import { dropBeside, projectBeside } from './beside.ts';
import { throwAwayModel, urlsInside } from './core/throw-away.ts';
import type { SavedImage } from './core/saved-images.ts';
import { messageOf, OperatorError } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { verify } from './verify.ts';

/** What is wrong, one line each; `isDamaged`: with the files, else with the cluster that they make. */
interface RestoreVerdict {
  readonly isDamaged: boolean;
  readonly problems: readonly string[];
}

/**
 * Lays a backup out, brings its cluster up from that, beside the real one, and has it pass the gate that a
 * release has to pass; then all of it is removed. The real cluster is not touched.
 *
 * @returns what is wrong
 */
export async function verifyByRestore(
  host: Host,
  config: Config,
  manifest: BackupManifest,
): Promise<RestoreVerdict> {
  await dropBeside(host, config);
  const { directory, problems } = await host.backups.layOut(manifest);
  const missing = await missingImages(host, manifest);
  try {
    if (problems.length > 0) return { isDamaged: true, problems };
    await loadImages(host, missing, directory);
    const model = await host.backups.readModel(manifest);
    const project = projectBeside(config);
    const names = Object.keys(model.services);
    const volumes = (manifest.volumes ?? []).map((name) => [name, `${directory}/volumes/${name}`]);
    const beside = throwAwayModel(model, {
      project,
      workTree: host.git.directory,
      treeCopy: host.backups.treeIn(directory),
      volumes: Object.fromEntries(volumes) as Record<string, string>,
      images: manifest.images,
    });
    host.progress(`bringing ${manifest.name} up as ${project}`);
    await host.compose.upBeside(beside);
    const containers = () => host.engine.containers(project);
    const addresses = (await containers()).map(({ service, address }) => [service, address]);
    const urls = urlsInside(config.health.urls, model, Object.fromEntries(addresses));
    const inside = { ...host, engine: { ...host.engine, containers } };
    const target = {
      model: beside,
      otherModel: beside,
      fingerprint: {},
      jobs: new Set(names.filter((name) => mayEnd(model.services[name] ?? {}))),
      leave: new Set<string>(),
      baseline: [],
    };
    await verify(inside, { ...config, health: { ...config.health, urls } }, target);
    return { isDamaged: false, problems: [] };
  } catch (error) {
    if (host.interruptedBy() !== undefined) throw error;
    return { isDamaged: false, problems: [`it does not come up: ${messageOf(error)}`] };
  } finally {
    host.shieldFromSignals();
    await dropBeside(host, config);
    // They have no name: what was not here before goes again.
    for (const { id } of missing) await host.engine.dropImage(id);
    host.obeySignals();
  }
}

/** The images of a backup that are gone from this host. */
async function missingImages(
  host: Host,
  { savedImages = [] }: BackupManifest,
): Promise<SavedImage[]> {
  const ids = await Promise.all(savedImages.map(({ id }) => host.engine.imageId(id)));
  return savedImages.filter((_, index) => ids[index] === undefined);
}

/** @throws {OperatorError} when a file does not hold the image it is there for */
export async function loadImages(
  host: Host,
  images: readonly SavedImage[],
  directory: string,
): Promise<void> {
  for (const { id, file, services } of images) {
    host.progress(`loading the image of ${services.join(', ')}`);
    await host.engine.loadImage(`${directory}/${file}`);
    if ((await host.engine.imageId(id)) !== undefined) continue;
    throw new OperatorError(`${file} does not hold the image ${id}`, 'docker image ls --all');
  }
}
