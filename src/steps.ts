import { backUp } from './back-up.ts';
import type { Config } from './config/schema.ts';
import type { KeptImage, Plan, Step } from './core/plan.ts';
import { keptImages } from './core/plan.ts';
import { pullableDigest } from './core/moved-image.ts';
import { own } from './core/own.ts';
import { OperatorError } from './errors.ts';
import type { Host, Staging } from './host/host.ts';
import type { Material } from './records.ts';
import { settle, sweep } from './settle.ts';
import { fillBeside, putBack, putIn } from './swap.ts';
import { targetOf } from './target.ts';

/** What a step may need beside itself. */
export interface StepContext {
  readonly host: Host;
  readonly config: Config;
  readonly material: Material;
  /** Of the transaction. */
  readonly id: string;
  /** The new release's staged tree; only the steps before the barrier have it. */
  readonly staging?: Staging | undefined;
}

/** Carries out one step. Doing it twice ends in the same place as doing it once. */
export async function applyStep(step: Step, context: StepContext): Promise<void> {
  const { host, config, material } = context;
  switch (step.do) {
    case 'backup': {
      const images = Object.fromEntries(
        keptImages(material.plan).map(({ service, id }) => [service, id]),
      );
      const { from: commit, restores } = material.plan;
      const keep = restores === undefined ? [] : [restores];
      const digests = formerDigests(material.plan);
      const wish = { name: step.name, commit, model: material.oldModel, images, digests, keep };
      await backUp(host, config, wish);
      return;
    }
    case 'keep-images':
      for (const image of step.images) await host.engine.tag(image.id, image.tag);
      return;
    case 'pull':
      for (const reference of step.images) await pull(host, reference, step.digests);
      return;
    case 'build':
      if (context.staging) {
        await host.compose.build(context.staging, material.newModel, step.services);
      }
      return;
    case 'sweep':
      return sweep(host);
    case 'restore-images':
      for (const image of step.images) await restoreImage(host, image);
      return;
    case 'down':
      return host.compose.down(step.release === 'old' ? material.oldModel : material.newModel);
    case 'fill':
      return fillBeside(host, config, context.id, step.backup);
    case 'stop':
      return stopAll(host);
    case 'swap':
      await (step.data === 'as before' ? putBack(host, context.id) : putIn(host, context.id));
      // A Docker that was restarted meanwhile has started them, with what was there then.
      return stopAll(host);
    case 'checkout':
      return step.force
        ? host.git.checkoutBack(step.commit, material.plan.to)
        : host.git.checkout(step.commit);
    case 'pin':
      return pin(host, material, step.release);
    case 'up':
      return host.compose.up(step);
    case 'recreate':
      return host.compose.up({ ...step, removeOrphans: false, forceRecreate: true });
    case 'restart':
      return host.compose.restart(step.services);
    case 'signal':
      return signal(host, step);
    case 'settle':
      return settle(host, targetOf(material, step.release), {
        mayRestartEngine: step.release === 'old',
      });
  }
}

/** A step in a person's words. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'backup':
      return `back up to ${step.name}`;
    case 'keep-images':
      return `keep ${count(step.images.length, 'image')} for a rollback`;
    case 'pull':
      return `pull ${step.images.join(', ')}`;
    case 'build':
      return `build ${step.services.join(', ')}`;
    case 'sweep':
      return 'clear what an interrupted compose left';
    case 'restore-images':
      return `give ${count(step.images.length, 'image name')} back their old meaning`;
    case 'down':
      return 'take the cluster down (volumes stay)';
    case 'fill':
      return `lay the data of ${step.backup} beside that of the cluster`;
    case 'stop':
      return 'stop the cluster: its data changes places';
    case 'swap':
      return step.data === 'as before'
        ? 'put the data of before in its place again'
        : 'put the data of the backup in the place of that of the cluster';
    case 'checkout':
      return `check out ${step.commit.slice(0, 12)}`;
    case 'pin':
      return 'choose the tags that services run';
    case 'up':
      return `apply ${step.services.join(', ')}`;
    case 'recreate':
      return `make ${step.services.join(', ')} anew`;
    case 'restart':
      return `restart ${step.services.join(', ')}`;
    case 'signal':
      return `send SIG${step.signal} to ${step.service}`;
    case 'settle':
      return 'bring everything up until nothing changes any more';
  }
}

/** Where a release runs other images than its compose file names, compose is given its model instead. */
function pin(host: Host, { plan, oldModel, newModel }: Material, to: 'old' | 'new'): Promise<void> {
  const pins = to === 'old' ? plan.pins?.from : plan.pins?.to;
  const isPinned = Object.keys(pins ?? {}).length > 0;
  const model = to === 'old' ? oldModel : newModel;
  return host.compose.pin(isPinned ? model : undefined);
}

/** The name of what runs is already that of the newer one. */
function formerDigests({ moved = [] }: Plan): Record<string, string> {
  return Object.fromEntries(
    moved.flatMap(({ services, reference, from: digest }) =>
      digest.startsWith('sha256:')
        ? services.map((name) => [name, pullableDigest({ reference, digest })] as const)
        : [],
    ),
  );
}

/** What is known by its digest is pulled by that, and gets its name then. */
async function pull(
  host: Host,
  reference: string,
  digests: Readonly<Record<string, string>> = {},
): Promise<void> {
  const digest = own(digests, reference);
  if (digest === undefined) return host.engine.pull(reference);
  const exact = pullableDigest({ reference, digest });
  await host.engine.pull(exact);
  await host.engine.tag(exact, reference);
}

async function restoreImage(host: Host, image: KeptImage): Promise<void> {
  if ((await host.engine.imageId(image.reference)) === image.id) return;
  if ((await host.engine.imageId(image.tag)) === undefined) {
    throw new OperatorError(
      `the image kept for service ${image.service} (${image.tag}) is gone`,
      `docker image ls; docker tag ${image.id} ${image.reference}`,
    );
  }
  // A digest names its content and cannot be given to another image.
  if (!image.reference.includes('@')) await host.engine.tag(image.tag, image.reference);
}

/** Nobody may have data mounted that changes places: a container would go on with what it had. */
async function stopAll(host: Host): Promise<void> {
  const running = (await host.engine.containers()).filter(
    ({ state }) => state !== 'exited' && state !== 'created' && state !== 'dead',
  );
  await Promise.all(running.map((container) => host.engine.stop(container)));
}

/** Who does not run reads its files when it is started. */
async function signal(
  host: Host,
  { service, signal: name }: { readonly service: string; readonly signal: string },
): Promise<void> {
  const running = (await host.engine.containers()).filter(
    (container) => container.service === service && container.state === 'running',
  );
  for (const container of running) await host.engine.kill(container, name);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
