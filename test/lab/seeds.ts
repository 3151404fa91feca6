import { composeFile } from './cluster.ts';
import { runInGuest } from './guest.ts';
import type { Layout } from './host-records.ts';
import { controlName, deployBranch } from './paths.ts';
import { type Commit, createRepository, openRepository, type Repository } from './repository.ts';

export type ClusterLayout = Exclude<Layout, 'none'>;
export const clusterLayouts: readonly ClusterLayout[] = ['directory', 'submodule', 'own'];

/** The repositories of one host. Two of them may be the same one. */
export type Repositories = {
  /** Its branch is the deploy branch of the host. */
  deploy: Repository;
  /** Holds docker-compose.yml. */
  project: Repository;
  /** The submodule the services see as /config; branch main. */
  config: Repository;
};

const configFiles = { 'app.yml': 'level: info\n' };
const projectFiles = { 'docker-compose.yml': composeFile(), '.gitignore': '.env\n' };

function gitmodules(path: string, url: string): string {
  return `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`;
}

/** Everything the seed repositories are made from, for the name of the image they are in. */
export function seedRecipe(): string {
  return JSON.stringify([configFiles, projectFiles, clusterLayouts, deployBranch, 'format 1']);
}

/** Where the repositories of `owner` (a host, or `seed/<layout>`) are, by layout. */
export function openRepositories(owner: string, layout: ClusterLayout): Repositories {
  const open = (name: string) => openRepository(`${owner}/${name}.git`, deployBranch);
  return {
    deploy: open(layout === 'own' ? 'autonomy' : 'operation'),
    project: open(layout === 'directory' ? 'operation' : 'autonomy'),
    config: openRepository(`${owner}/config.git`, 'main'),
  };
}

/** Make the repositories every host's own are copied from. */
export async function createSeeds(): Promise<void> {
  for (const layout of clusterLayouts) {
    const owner = `seed/${layout}`;
    const config = await createRepository(`${owner}/config.git`, 'main');
    const configSha = await config.push({ message: 'Configuration', files: configFiles });
    const modules = { '.gitmodules': gitmodules('config', '../config.git') };
    const project = { ...projectFiles, ...modules };
    if (layout === 'directory') {
      const operation = await createRepository(`${owner}/operation.git`, deployBranch);
      await operation.push({
        message: 'Cluster v1',
        files: {
          ...underProject(projectFiles),
          '.gitmodules': gitmodules('autonomy/config', '../config.git'),
          'README.md': 'Operation of the robots\n',
        },
        submodules: { 'autonomy/config': configSha },
      });
      continue;
    }
    const autonomy = await createRepository(`${owner}/autonomy.git`, deployBranch);
    const submodules = { config: configSha };
    const sha = await autonomy.push({ message: 'Cluster v1', files: project, submodules });
    if (layout === 'own') continue;
    const operation = await createRepository(`${owner}/operation.git`, deployBranch);
    await operation.push({
      message: 'Operation v1',
      files: {
        '.gitmodules': gitmodules('autonomy', '../autonomy.git'),
        'README.md': 'Operation of the robots\n',
      },
      submodules: { autonomy: sha },
    });
  }
}

/** Give a host its own copies of the seed repositories. */
export async function copySeeds(name: string, layout: ClusterLayout): Promise<void> {
  const options = { user: 'git', cwd: '/srv/git', reject: true };
  await runInGuest(controlName, 'rm', ['-rf', `/srv/git/${name}`], options);
  const copy = ['-a', `/srv/git/seed/${layout}`, `/srv/git/${name}`];
  await runInGuest(controlName, 'cp', copy, options);
}

export async function removeRepositories(name: string): Promise<void> {
  await runInGuest(controlName, 'rm', ['-rf', `/srv/git/${name}`], { cwd: '/' });
}

/** What a new release changes: paths are relative to the compose project. */
export type Release = Omit<Commit, 'submodules'> & {
  /** Files of the config submodule; its gitlink moves with them. */
  config?: Record<string, string | null>;
};

/** Publish a release on the deploy branch, whatever the layout. Returns the deploy branch's new commit. */
export async function pushRelease(
  repositories: Repositories,
  layout: ClusterLayout,
  release: Release,
): Promise<string> {
  const { config: configChange, files = {}, ...commit } = release;
  const configLink: Record<string, string> = {};
  if (configChange !== undefined) {
    const { message } = release;
    configLink['config'] = await repositories.config.push({ message, files: configChange });
  }
  if (layout === 'directory') {
    const submodules = underProject(configLink);
    return repositories.deploy.push({ ...commit, files: underProject(files), submodules });
  }
  if (layout === 'own')
    return repositories.deploy.push({ ...commit, files, submodules: configLink });
  const { message } = commit;
  const autonomy = await repositories.project.push({ message, files, submodules: configLink });
  return repositories.deploy.push({ ...commit, submodules: { autonomy } });
}

function underProject<T>(entries: Record<string, T>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entries).map(([path, value]) => [`autonomy/${path}`, value]),
  );
}
