import type { Invocation } from '../command-table.ts';
import type { Config } from '../config/schema.ts';
import { currentCommit } from '../detect.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { Host } from '../host/host.ts';
import { lookForImages, type ImagesLook, type ServiceImage } from '../look-for-images.ts';
import { refuseBadLabels } from '../refusals.ts';
import { readDeployed } from '../records.ts';
import { resolveRelease } from '../release.ts';
import { openContext, openDoor } from './context.ts';
import { imagesText } from './images-text.ts';
import { openScreen } from './screen.ts';

/** `images`: what the registries have for the services, without pulling it. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { host, config, statusLine } = await openContext(
    invocation,
    openDoor(invocation.environment),
  );
  const look = await lookAtRelease(host, config).finally(() => statusLine.clear());
  const text = invocation.json
    ? JSON.stringify(
        {
          mode: config.images.mode,
          services: look.services.map(inJson),
          registries: look.registries,
        },
        undefined,
        2,
      )
    : imagesText(look, config.images.mode, openScreen());
  process.stdout.write(`${text}\n`);
  const isWhole = look.services.every(({ looked }) => looked?.answer.verdict !== 'failed');
  return isWhole ? exitCodes.done : exitCodes.failed;
}

/** The services of the release that is deployed. */
async function lookAtRelease(host: Host, config: Config): Promise<ImagesLook> {
  const commit = await currentCommit(host, await readDeployed(host.state));
  try {
    const { model } = await resolveRelease(host, commit);
    refuseBadLabels(model, commit);
    return await lookForImages(host, config, model);
  } finally {
    await host.git.dropStagings();
  }
}

function inJson({ service, policy, looked }: ServiceImage): object {
  return {
    service,
    policy,
    runs: looked?.here ?? null,
    answer: looked?.answer ?? null,
  };
}
