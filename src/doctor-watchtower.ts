import type { Config } from './config/schema.ts';
import { watchtowerFindings } from './core/watchtower-findings.ts';
import type { Finding } from './doctor.ts';
import { openEngineApi } from './host/engine-api.ts';
import { dockerSocket } from './host/engine-socket.ts';
import { listHostContainers } from './host/host-containers.ts';
import { openStateFiles } from './host/state-files.ts';
import { towersHeld } from './towers.ts';

const API_SECONDS = 10;

/** Who else acts on the cluster; nothing to say where Docker does not answer: another finding has that. */
export async function towerFindings(config: Config, stateDirectory: string): Promise<Finding[]> {
  const api = openEngineApi(dockerSocket(process.env), API_SECONDS);
  try {
    const [containers, version, held] = await Promise.all([
      listHostContainers(api),
      api('GET', '/version'),
      towersHeld(openStateFiles(stateDirectory)),
    ]);
    const { MinAPIVersion: oldestApi = '' } = version.body as { MinAPIVersion?: string };
    const { project_name: project, images } = config;
    const facts = { project, mode: images.mode, containers, oldestApi, held };
    return watchtowerFindings(facts).map(({ isWell, detail, mend }) => ({
      state: isWell ? 'ok' : 'warning',
      subject: 'watchtower',
      detail,
      ...(mend === undefined ? {} : { mend }),
    }));
  } catch {
    return [];
  }
}
