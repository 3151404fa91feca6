import { inspectManifest } from '../argv/docker.ts';
import { registryOf } from '../core/image-reference.ts';
import type { EngineFacts, RemoteImage } from '../core/preflight.ts';
import type { EngineApi } from './engine-api.ts';
import { exec } from './exec.ts';
import { findRegistryAuth } from './registry-credentials.ts';

const MANIFEST_SECONDS = 20;

/**
 * What the registry of an image says of it. Whether it is there is asked through the daemon, with
 * the same trust and credentials as the pull; what its layers weigh, through the command line,
 * which not every registry answers: then the layers are not known.
 */
export async function inspectRemote(
  api: (headers: Readonly<Record<string, string>>) => EngineApi,
  reference: string,
  { platform, insecureRegistries }: EngineFacts,
): Promise<RemoteImage> {
  const { header } = await findRegistryAuth(reference);
  const ask = api(header === undefined ? {} : { 'X-Registry-Auth': header });
  const [answer, layers] = await Promise.all([
    ask('GET', `/distribution/${encodeURI(reference)}/json`).catch(() => undefined),
    layersOf(insecureRegistries.includes(registryOf(reference)), reference, platform),
  ]);
  const detail = (answer?.body as { message?: string } | undefined)?.message ?? '';
  const nothing = { detail, platforms: [], layers: {} };
  if (answer === undefined) return { status: 'unknown', ...nothing };
  if (answer.status === 404 || /not found|manifest unknown/i.test(detail)) {
    return { status: 'absent', ...nothing, detail: detail || 'not found' };
  }
  if (answer.status !== 200) return { status: 'unknown', ...nothing };
  const { Platforms: platforms, Descriptor: descriptor } = answer.body as {
    Platforms?: Platform[] | null;
    Descriptor?: { digest?: string };
  };
  return {
    status: 'there',
    detail,
    ...(descriptor?.digest === undefined ? {} : { digest: descriptor.digest }),
    platforms: (platforms ?? []).map(platformName),
    layers,
  };
}

interface Platform {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
}

function platformName({ os = '', architecture = '', variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined && part !== '').join('/');
}

interface Manifest {
  readonly Descriptor?: { readonly platform?: Platform };
  readonly SchemaV2Manifest?: Layers;
  readonly OCIManifest?: Layers;
}

interface Layers {
  readonly layers?: readonly { readonly digest: string; readonly size: number }[];
}

async function layersOf(
  insecure: boolean,
  reference: string,
  platform: string,
): Promise<Record<string, number>> {
  const command = inspectManifest(reference, insecure);
  try {
    const { stdout } = await exec(command, { timeoutSeconds: MANIFEST_SECONDS });
    const parsed = JSON.parse(stdout) as Manifest | Manifest[];
    const all = Array.isArray(parsed) ? parsed : [parsed];
    const mine =
      all.find(({ Descriptor: one }) => platformName(one?.platform ?? {}).startsWith(platform)) ??
      all[0];
    const { layers = [] } = mine?.SchemaV2Manifest ?? mine?.OCIManifest ?? {};
    return Object.fromEntries(layers.map(({ digest, size }) => [digest, size]));
  } catch {
    return {};
  }
}
