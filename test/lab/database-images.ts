import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { labFile, recipeHash } from './base-image.ts';
import { command, type Progress } from './command.ts';
import { fillDebianTree, releaseDebianTree, suite } from './debian-tree.ts';
import { copyInto } from './guest-files.ts';
import { runInGuest } from './guest.ts';
import { withLock } from './lock.ts';
import { controlName, filesDir, poolDir, rootOf, runDir } from './paths.ts';

/** The databases the lab has images for; each is the name of its service, container and image. */
export const databaseKinds = ['postgres', 'mariadb', 'redis', 'sqlite'] as const;
export type DatabaseKind = (typeof databaseKinds)[number];

/** The major version Debian has: who looks at an image's name sees what it sees on real hosts. */
const versions: Record<DatabaseKind, number> = { postgres: 17, mariadb: 11, redis: 8, sqlite: 3 };

const packages = [
  'postgresql-17 mariadb-server-core mariadb-client redis-server sqlite3',
  'python3 python3-psycopg2 python3-pymysql python3-redis',
].flatMap((line) => line.split(' '));

const registry = 'registry.lab:5000';
const programsDir = `${filesDir}/databases`;
const lockFile = `${runDir}/databases.lock`;

/** Image of the packages alone, which is slow to make. */
const packagesTag = (): string =>
  recipeHash(suite, packages.join(' '), labFile('databases/setup.sh'));

const dockerfile = [
  `FROM ${registry}/databases:${packagesTag()}`,
  'COPY . /bank',
  'ARG KIND',
  'ENV KIND=$KIND',
  // The databases' own tools, as they are typed on real hosts: `docker exec postgres pg_dump -U autonomy`.
  'ENV PATH=/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin PGHOST=/run/bank MYSQL_UNIX_PORT=/run/bank/mariadb.sock',
  'LABEL org.opencontainers.image.title=$KIND',
  'ENTRYPOINT ["/bin/sh", "-c", "exec python3 -u /bank/main.py $KIND \\"$@\\"", "bank"]',
  'CMD ["serve"]',
].join('\n');

function imageTag(): string {
  const programs = readdirSync(programsDir).toSorted();
  return recipeHash(dockerfile, ...programs.map((file) => labFile(`databases/${file}`)));
}

/** The image of a database, for a compose file. */
export const databaseImage = (kind: DatabaseKind): string =>
  `${registry}/${kind}:${versions[kind]}-${imageTag()}`;

/**
 * Has the images of all databases in the lab's registry. Some two minutes from nothing; ten seconds when the control host
 * is new, or only the programs changed; nothing when they are there. The control host must be up, as it is with any host.
 */
export async function publishDatabaseImages(onProgress: Progress = () => undefined): Promise<void> {
  if (await arePublished()) return;
  await withLock(lockFile, async () => {
    if (await arePublished()) return;
    const base = `databases:${packagesTag()}`;
    if (!(await isPublished(base))) await publishBase(await buildTree(onProgress), base);
    const context = '/root/lab/databases';
    await runInGuest(controlName, 'rm', ['-rf', context]);
    await copyInto(controlName, programsDir, context);
    // In this order: `arePublished` asks for the last.
    for (const kind of databaseKinds) await publish(kind, context);
    onProgress('database images: pushed');
  });
}

async function arePublished(): Promise<boolean> {
  const last = databaseKinds.at(-1) ?? 'sqlite';
  return isPublished(databaseImage(last).slice(registry.length + 1));
}

async function isPublished(reference: string): Promise<boolean> {
  const [name, tag] = reference.split(':');
  const manifest = 'application/vnd.docker.distribution.manifest.v2+json';
  const url = `http://${registry}/v2/${name}/manifests/${tag}`;
  const args = ['-fsS', '-m5', '-o/dev/null', '-H', `Accept: ${manifest}`, url];
  return (await runInGuest(controlName, 'curl', args)).exitCode === 0;
}

/** Archive of a Debian with the packages and little else. */
async function buildTree(onProgress: Progress): Promise<string> {
  const archive = `${poolDir}/databases-${packagesTag()}.tar`;
  if (existsSync(archive)) return archive;
  for (const name of await readdir(poolDir)) {
    if (name.startsWith('databases-')) await rm(`${poolDir}/${name}`, { force: true });
  }
  const tree = `${poolDir}/database-tree`;
  await releaseDebianTree(tree);
  await rm(tree, { recursive: true, force: true });
  await mkdir(tree);
  try {
    await fillDebianTree(tree, packages, (line) => onProgress(`database images: ${line}`));
    const setup = labFile('databases/setup.sh');
    await command('chroot', [tree, 'bash', '-s'], { input: setup });
    await command('tar', [
      '-C',
      tree,
      '--numeric-owner',
      '--one-file-system',
      '-cf',
      `${archive}.new`,
      '.',
    ]);
    await command('mv', [`${archive}.new`, archive]);
  } finally {
    await releaseDebianTree(tree);
    await rm(tree, { recursive: true, force: true });
  }
  return archive;
}

async function publishBase(archive: string, base: string): Promise<void> {
  const inside = '/var/tmp/databases.tar';
  const options = { reject: true, timeoutSeconds: 300 };
  await command('cp', [archive, `${rootOf(controlName)}${inside}`]);
  await runInGuest(controlName, 'docker', ['import', inside, `${registry}/${base}`], options);
  await runInGuest(controlName, 'rm', [inside]);
  await runInGuest(controlName, 'docker', ['push', '--quiet', `${registry}/${base}`], options);
}

async function publish(kind: DatabaseKind, context: string): Promise<void> {
  const options = { reject: true, timeoutSeconds: 120 };
  const image = databaseImage(kind);
  const build = [
    'build',
    '--quiet',
    `--build-arg=KIND=${kind}`,
    `--tag=${image}`,
    '--file=-',
    context,
  ];
  await runInGuest(controlName, 'docker', build, { ...options, input: dockerfile });
  await runInGuest(controlName, 'docker', ['push', '--quiet', image], options);
}
