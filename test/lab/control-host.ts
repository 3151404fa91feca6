import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { baseImageName, labFile, recipeHash } from './base-image.ts';
import { poll, type Progress } from './command.ts';
import { runInGuest, waitForUnits } from './guest.ts';
import { listRecords } from './host-records.ts';
import {
  leaderOf,
  makeMachine,
  removeMachine,
  saveImage,
  startMachine,
  stopMachine,
} from './machine.ts';
import { networkCommand } from './network.ts';
import { addressOf, controlName, diskOf, filesDir, rootOf, runDir } from './paths.ts';
import { createSeeds, seedRecipe } from './seeds.ts';

const ownFiles = ['ctl-setup.sh', 'Dockerfile', 'svc.sh', 'hook-sink.py'];
const imageServices = ['orchestrator', 'neurosync_s1', 'knowledge', 'reporter'];
const imageVersions = ['v1', 'v2', 'v3', 'v4'];
const stateFile = `${runDir}/${controlName}.image`;

/** Name of the control host's image. */
export function controlImageName(): string {
  const recipe = recipeHash(
    baseImageName(),
    seedRecipe(),
    ...ownFiles.map((file) => labFile(file)),
  );
  return `ctl-${recipe}`;
}

/**
 * Have the control host running: registry.lab:5000, git.lab (ssh and git://) and hook.lab:9000. It is shared by every
 * process that uses the lab, and stays up until `lab down`. Call it under the lab's lock.
 */
export async function ensureControlHost(onProgress: Progress): Promise<void> {
  const image = controlImageName();
  const current = existsSync(stateFile) ? readFileSync(stateFile, 'utf8') : '';
  if (current === image && existsSync(diskOf(controlName))) {
    if ((await leaderOf(controlName)) !== undefined) return;
    onProgress('control host: switching on');
    await bootControlHost();
    return;
  }
  const users = await listRecords();
  if (current !== '' && users.length > 0) {
    const names = users.map((user) => user.name).join(' ');
    throw new Error(`the lab's recipe changed while hosts are up (${names}): npm run lab -- down`);
  }
  await removeMachine(controlName);
  if (!existsSync(diskOf(image))) await buildControlImage(image, onProgress);
  onProgress('control host: booting');
  await makeMachine(controlName, image);
  await writeFile(stateFile, image);
  await bootControlHost();
}

/** Switch the control host off and forget it; its image stays. */
export async function removeControlHost(): Promise<void> {
  await removeMachine(controlName);
  await rm(stateFile, { force: true });
}

async function bootControlHost(): Promise<void> {
  await startMachine(controlName);
  await waitForUnits(
    controlName,
    ['docker', 'ssh', 'docker-registry', 'git-daemon', 'hook-sink'],
    60,
  );
  await waitForRegistry();
}

async function waitForRegistry(): Promise<void> {
  const address = addressOf(controlName);
  const urls = [`http://${address}:5000/v2/`, `http://${address}:9000/ready`];
  const up = await poll(
    async () => {
      const { exitCode } = await networkCommand(
        'curl',
        ['-fsS', '--fail-early', '-m1', ...urls],
        false,
      );
      return exitCode === 0 ? true : undefined;
    },
    { timeoutSeconds: 30, stepMs: 80 },
  );
  if (up === undefined) throw new Error('the control host: registry.lab:5000 does not answer');
}

async function buildControlImage(image: string, onProgress: Progress): Promise<void> {
  onProgress('control host: building its image');
  await makeMachine(controlName, baseImageName());
  const home = `${rootOf(controlName)}/root/lab`;
  await mkdir(home);
  for (const file of ownFiles) await copyFile(`${filesDir}/${file}`, `${home}/${file}`);
  await startMachine(controlName);
  await waitForUnits(controlName, ['docker', 'ssh'], 60);
  await runInGuest(controlName, 'bash', ['/root/lab/ctl-setup.sh'], { reject: true });
  await waitForRegistry();
  for (const service of imageServices) {
    for (const version of imageVersions) await publishImage(service, version);
  }
  onProgress('control host: images pushed');
  await createSeeds();
  await stopMachine(controlName);
  await saveImage(controlName, image);
  await removeMachine(controlName);
}

/**
 * Build the image of a service that reports `version`, and push it as `tag` (the version itself unless told), so that a
 * tag can be moved to other content. Returns the image ID.
 */
export async function publishImage(
  service: string,
  version: string,
  tag = version,
): Promise<string> {
  const args = [service, version, tag];
  const { stdout } = await runInGuest(controlName, 'publish-image', args, { reject: true });
  return stdout.split('\n')[0] ?? '';
}

/** Build an image that no service of the lab has, from a Dockerfile alone, and push it. */
export async function publishOwnImage(reference: string, dockerfile: string): Promise<void> {
  const reject = { reject: true };
  await runInGuest(controlName, 'docker', ['build', '--quiet', '--tag', reference, '-'], {
    ...reject,
    input: dockerfile,
  });
  await runInGuest(controlName, 'docker', ['push', '--quiet', reference], reject);
}

/** One request the webhook sink got. */
export type HookCall = {
  atMs: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
};

/** What the webhook sink (http://hook.lab:9000/<anything>) got on paths that contain `part`. */
export async function hookCalls(part: string): Promise<HookCall[]> {
  const log = `${rootOf(controlName)}/var/log/hook.jsonl`;
  const text = existsSync(log) ? await readFile(log, 'utf8') : '';
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): HookCall => JSON.parse(line))
    .filter((call) => call.path.includes(part));
}
