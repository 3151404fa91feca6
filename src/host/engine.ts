import { parseImageReference } from '../core/image-reference.ts';
import { KEPT } from '../core/plan-steps.ts';
import { dockerExec, dockerLoad } from '../argv/docker.ts';
import { pauseTask } from '../argv/engine.ts';
import { resetDocker, restartDocker, systemctlShow, whenDockerStarted } from '../argv/systemctl.ts';
import { OperatorError } from '../errors.ts';
import { exec } from './exec.ts';
import { expect, type ApiAnswer, type EngineApi } from './engine-api.ts';
import type { EngineHost } from './host.ts';
import { listContainers } from './engine-containers.ts';
import { listHostContainers } from './host-containers.ts';
import { watchContainers } from './engine-events.ts';
import { readFacts, readVersions } from './engine-facts.ts';
import { fileDigest } from './container-file.ts';
import { volumeActs } from './engine-mounts.ts';
import { systemdRuns } from './systemd-runs.ts';
import { ownContainerId } from './own-container.ts';
import { pullImage, type PullContext } from './image-pull.ts';
import { inspectRemote } from './remote-image.ts';

export interface EngineContext extends PullContext {
  readonly api: EngineApi;
  /** The same with headers, such as the credentials of a registry. */
  readonly apiWith: (headers: Readonly<Record<string, string>>) => EngineApi;
  /** With a short time-out: a daemon that hangs is as good as down. */
  readonly ping: EngineApi;
  /** With a long time-out: a container may take its time to stop. */
  readonly patient: EngineApi;
  readonly sleep: (seconds: number) => Promise<void>;
}

/** A restart of Docker stops every container, each with its own time to end. */
const RESTART_SECONDS = 150;

/** Docker itself, over its API. */
export function createEngine(context: EngineContext): EngineHost {
  const { config: settings, api } = context;
  return {
    version: async () => {
      const { body } = expect(await api('GET', '/version'), [200], 'its version');
      return String((body as { Version?: unknown }).Version);
    },
    waitUntilUp: (withinSeconds) => waitUntilUp(context, withinSeconds),
    incarnation: async () => {
      const lives = ['docker.service', 'containerd.service'].map((unit) =>
        exec(systemctlShow(unit, ['InvocationID']), { timeoutSeconds: 10 }),
      );
      const said = await Promise.all(lives).catch(() => []);
      return said.map(({ stdout }) => stdout.trim()).join(' ');
    },
    startup: async () => {
      const { stdout } = await exec(whenDockerStarted, { timeoutSeconds: 10 }).catch(() => ({
        stdout: '',
      }));
      // It answers a moment before systemd knows; until then, the other times are of its last life.
      if (/^ActiveState=activating$/m.test(stdout)) return 'under way';
      const at = (property: string, more: number): string | undefined => {
        const seconds = new RegExp(`^${property}=@(\\d+)$`, 'm').exec(stdout)?.[1];
        return seconds && new Date((Number(seconds) + more) * 1000).toISOString();
      };
      // Whole seconds: the last one counts to its end.
      const [began, ended] = [at('ExecMainStartTimestamp', 0), at('ActiveEnterTimestamp', 1)];
      return began && ended ? { began, ended } : undefined;
    },
    restart: () => restart(context),
    // Not the one we run in: what is done to the cluster's is not done to it.
    containers: async (project = settings.project_name) =>
      (await listContainers(api, project)).filter(({ id }) => id !== ownContainerId()),
    hostContainers: () => listHostContainers(api),
    watchContainers: () => watchContainers(context.stream, settings.project_name),
    isPublished: async (port) => {
      const { body } = expect(await api('GET', '/containers/json'), [200], 'its containers');
      const running = body as { Ports?: { PublicPort?: number }[] | null }[];
      return running.some(({ Ports: ports }) =>
        (ports ?? []).some(({ PublicPort }) => PublicPort === port),
      );
    },
    fileDigest: ({ id }, path) => fileDigest(api, id, path),
    facts: () => readFacts(api),
    versions: () => readVersions(api),
    exists: async (kind, name) => {
      const answer = await api('GET', `/${kind}s/${encodeURIComponent(name)}`);
      return expect(answer, [200, 404], `the ${kind} ${name}`).status === 200;
    },
    ...volumeActs(api),
    ...imageActs(context),
    ...containerActs(context),
  };
}

async function restart(context: EngineContext): Promise<void> {
  if (!systemdRuns()) {
    throw new OperatorError(
      'Docker has to be restarted, and that can only be done on the host itself',
      'systemctl restart docker; then: orchestrator-update recover',
    );
  }
  await exec(resetDocker, { timeoutSeconds: RESTART_SECONDS });
  await exec(restartDocker, { timeoutSeconds: RESTART_SECONDS, watch: context.watch });
  if (await waitUntilUp(context, RESTART_SECONDS)) return;
  throw new OperatorError(
    'Docker does not answer after its restart',
    'systemctl status docker; journalctl -u docker -n 50',
  );
}

async function waitUntilUp(context: EngineContext, withinSeconds: number): Promise<boolean> {
  const startedAtMs = performance.now();
  for (;;) {
    const up = await context.ping('GET', '/version').then(isWhole, () => false);
    if (up || performance.now() - startedAtMs >= withinSeconds * 1000) return up;
    context.onProgress('waiting for Docker');
    await context.sleep(1);
  }
}

function imageActs(
  context: EngineContext,
): Pick<
  EngineHost,
  | 'imageId'
  | 'imageFacts'
  | 'loadImage'
  | 'tag'
  | 'dropKeptTags'
  | 'dropImage'
  | 'pull'
  | 'remoteImage'
  | 'imageVolumes'
> {
  const { api } = context;
  return {
    imageId: async (reference) => (await inspectImage(api, reference))?.Id,
    imageFacts: async (image) => {
      const details = await inspectImage(api, image);
      if (details === undefined) return undefined;
      const { Id: id, RepoDigests: named, RepoTags: tags, Size: sizeBytes = 0 } = details;
      // In containerd's store every name has a digest, that of our tags, too: no registry knows it.
      const digests = (named ?? []).filter((one) => !one.startsWith(`${KEPT}@`));
      return { id, digests, tags: tags ?? [], sizeBytes };
    },
    loadImage: (file) => loadImage(context, file),
    tag: async (image, reference) => {
      const { name, tag = 'latest' } = parseImageReference(reference);
      const query = new URLSearchParams({ repo: name, tag });
      const answer = await api(
        'POST',
        `/images/${encodeURIComponent(image)}/tag?${query.toString()}`,
      );
      expect(answer, [201], `a tag ${reference} for ${image}`);
    },
    dropKeptTags: (keep) => dropKeptTags(api, new Set(keep)),
    dropImage: async (reference) => {
      const answer = await api('DELETE', `/images/${encodeURIComponent(reference)}`);
      expect(answer, [200, 404, 409], `the removal of the image ${reference}`);
    },
    pull: (reference) => pullImage(context, reference),
    remoteImage: (reference, facts) => inspectRemote(context.apiWith, reference, facts),
    imageVolumes: async (image) => {
      const details = await inspectImage(api, image);
      return details && Object.keys(details.Config?.Volumes ?? {});
    },
  };
}

async function inspectImage(api: EngineApi, image: string): Promise<ImageDetails | undefined> {
  const answer = await api('GET', `/images/${encodeURIComponent(image)}/json`);
  if (answer.status === 404) return undefined;
  return expect(answer, [200], `the image ${image}`).body as ImageDetails;
}

async function loadImage({ config, signal, watch }: EngineContext, file: string): Promise<void> {
  const stop = signal();
  await exec(dockerLoad(file), {
    timeoutSeconds: config.timeouts.backup_seconds,
    watch,
    keepsLock: true,
    ...(stop ? { signal: stop } : {}),
  });
}

function containerActs(
  context: EngineContext,
): Pick<EngineHost, 'stop' | 'kill' | 'pause' | 'execute' | 'unpause' | 'remove' | 'rename'> {
  const { api, config } = context;
  return {
    stop: async ({ id, name }) => {
      context.watch.started(config.timeouts.compose_seconds);
      const answer = await context.patient('POST', `/containers/${id}/stop`);
      expect(answer, [204, 304, 404], `to stop the container ${name}`);
    },
    kill: async ({ id, name }, signal) => {
      const query = new URLSearchParams({ signal });
      const answer = await api('POST', `/containers/${id}/kill?${query.toString()}`);
      expect(answer, [204, 404, 409], `the signal ${signal} for the container ${name}`);
    },
    pause: async ({ id, name }) => {
      const answer = await api('POST', `/containers/${id}/pause`);
      expect(answer, [204], `to pause the container ${name}`);
    },
    execute: async ({ id }, script) => {
      const timeoutSeconds = config.timeouts.backup_seconds;
      await exec(dockerExec(id, script), { timeoutSeconds, watch: context.watch });
    },
    unpause: (container) => unpause(api, container),
    remove: async ({ id, name }) => {
      const answer = await api('DELETE', `/containers/${id}?force=true`);
      expect(answer, [204, 404, 409], `the removal of the container ${name}`);
    },
    rename: async ({ id, name }, to) => {
      const query = new URLSearchParams({ name: to });
      const answer = await api('POST', `/containers/${id}/rename?${query.toString()}`);
      expect(answer, [204, 404], `the name ${to} for the container ${name}`);
    },
  };
}

/**
 * A containerd that was killed in the moment may leave a container that runs and that Docker takes for paused for ever
 * (26.1.5, seen in 1 of some hundred kills): it is paused by containerd, behind Docker's back, and goes on then.
 */
async function unpause(
  api: EngineApi,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<void> {
  const ask = async (): Promise<ApiAnswer> => {
    const answer = await api('POST', `/containers/${id}/unpause`);
    // 409 or 500, by the version: it is not paused.
    return expect(answer, [204, 404, 409, 500], `to let the container ${name} go on`);
  };
  const { status, body } = await ask();
  const said = (body as { readonly message?: string } | undefined)?.message ?? '';
  if (status !== 500 || !said.includes('cannot resume a running process')) return;
  await exec(pauseTask(id), { timeoutSeconds: 15 });
  await ask();
}

interface VersionDetails {
  readonly Components?: readonly { readonly Name?: string }[] | null;
}

/**
 * Whether Docker can do all it is there for. Without its containerd it answers, and every healthcheck,
 * start and pull fails; it then names runc among its components, and containerd not (seen with 26.1.5).
 */
function isWhole({ status, body }: ApiAnswer): boolean {
  if (status !== 200) return false;
  const names = ((body ?? {}) as VersionDetails).Components?.map(({ Name }) => Name) ?? [];
  return !names.includes('runc') || names.includes('containerd');
}

/** The part of `GET /images/{name}/json` that is read. */
interface ImageDetails {
  readonly Id: string;
  readonly RepoDigests?: readonly string[] | null;
  readonly RepoTags?: readonly string[] | null;
  readonly Size?: number;
  readonly Config?: { readonly Volumes?: Readonly<Record<string, unknown>> | null } | null;
}

async function dropKeptTags(api: EngineApi, keep: ReadonlySet<string>): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ reference: [KEPT] }));
  const { body } = expect(await api('GET', `/images/json?filters=${filters}`), [200], 'its images');
  const tags = (body as { RepoTags?: string[] | null }[]).flatMap(({ RepoTags }) => RepoTags ?? []);
  const ours = tags.filter((tag) => tag.startsWith(`${KEPT}:`) && !keep.has(tag));
  for (const tag of ours) {
    const answer = await api('DELETE', `/images/${encodeURIComponent(tag)}`);
    expect(answer, [200, 404, 409], `the removal of the tag ${tag}`);
  }
}
