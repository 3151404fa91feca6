import type { EngineFacts } from '../core/preflight.ts';
import type { EngineVersions } from './backup-host.ts';
import { expect, type EngineApi } from './engine-api.ts';

/** The part of `GET /info` that is read. */
interface Info {
  readonly Driver?: string;
  readonly DockerRootDir?: string;
  readonly Runtimes?: Readonly<Record<string, unknown>>;
  readonly RegistryConfig?: {
    readonly IndexConfigs?: Readonly<Record<string, { readonly Secure?: boolean }>>;
    readonly InsecureRegistryCIDRs?: readonly string[] | null;
  };
  readonly Plugins?: Readonly<Record<'Volume' | 'Network' | 'Log', readonly string[] | null>>;
}

/** Networks that need no driver of a plugin. */
const BUILT_IN_NETWORKS = ['none', 'default'];

/** What the engine of this host can do, in its own words. */
export async function readFacts(api: EngineApi): Promise<EngineFacts> {
  const [info, version] = await Promise.all([api('GET', '/info'), api('GET', '/version')]);
  const { DockerRootDir: root, Runtimes: runtimes, Plugins: plugins } = info.body as Info;
  const { IndexConfigs: registries, InsecureRegistryCIDRs: networks } =
    (info.body as Info).RegistryConfig ?? {};
  const answer = version.body as Record<string, string>;
  const { Os: os = 'linux', Arch: architecture = '', ApiVersion: apiVersion = '' } = answer;
  return {
    platform: `${os}/${architecture}`,
    apiVersion,
    // Its own answer, since daemon.json can move it.
    rootDirectory: root?.startsWith('/') === true ? root : '/var/lib/docker',
    runtimes: Object.keys(runtimes ?? {}),
    volumeDrivers: plugins?.Volume ?? [],
    networkDrivers: [...(plugins?.Network ?? []), ...BUILT_IN_NETWORKS],
    logDrivers: [...(plugins?.Log ?? []), 'none'],
    insecureRegistries: [
      ...Object.entries(registries ?? {}).flatMap(([name, { Secure: isSecure }]) =>
        isSecure === false ? [name] : [],
      ),
      ...(networks ?? []),
    ],
  };
}

/** The part of `GET /version` that is read. */
interface Version {
  readonly Version?: string;
  readonly Components?: readonly { readonly Name?: string; readonly Version?: string }[] | null;
}

/** What is installed of the engine; empty where it does not say. */
export async function readVersions(api: EngineApi): Promise<Omit<EngineVersions, 'compose'>> {
  const [info, version] = await Promise.all([api('GET', '/info'), api('GET', '/version')]);
  const { Driver: storageDriver = '', DockerRootDir: rootDirectory = '' } = expect(
    info,
    [200],
    'what it is',
  ).body as Info;
  const { Version: dockerd = '', Components: components } = expect(version, [200], 'its version')
    .body as Version;
  const of = (name: string): string =>
    components?.find(({ Name: known }) => known === name)?.Version ?? '';
  return { dockerd, containerd: of('containerd'), runc: of('runc'), storageDriver, rootDirectory };
}
