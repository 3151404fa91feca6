import type { SavedImage } from './saved-images.ts';

/** What the texts that lie beside a backup have to know of it. */
export interface ByHand {
  readonly name: string;
  readonly project: string;
  /** Where in the backup the project directory is. */
  readonly projectPath: string;
  readonly commit: string;
  /** Where the cluster usually runs. */
  readonly livePath: string;
  /** The compose files, relative to the project directory; empty: what compose finds. */
  readonly composeFiles: readonly string[];
  readonly profiles: readonly string[];
  /** The images that are in the backup. */
  readonly images: readonly Pick<SavedImage, 'id' | 'file' | 'services' | 'references'>[];
  /** Docker's names of the volumes in the backup, and the key of the model each has. */
  readonly volumes: readonly { readonly name: string; readonly key: string | undefined }[];
}

/** The name of the volume that RUN.sh makes of a copy. */
export function restoredVolumeName(volume: string, backup: string): string {
  return `${volume}_of_${backup}`;
}

/** A compose file that has the model's volumes mean copies of this backup's. */
export function volumesOverride({ volumes, name }: ByHand): string {
  const own = volumes.filter(({ key }) => key !== undefined);
  const entries = own.map(
    (volume) =>
      `  ${JSON.stringify(volume.key)}:\n    name: ${JSON.stringify(restoredVolumeName(volume.name, name))}\n    external: true\n`,
  );
  return entries.length === 0 ? 'services: {}\n' : `volumes:\n${entries.join('')}`;
}

/**
 * A compose file that has services use the very images of this backup: a name may mean another by now, since
 * each build takes it.
 */
export function imagesOverride({ images }: ByHand): string {
  const entries = images.flatMap(({ id, services }) =>
    services.map(
      (service) =>
        `  ${JSON.stringify(service)}:\n    image: ${JSON.stringify(id)}\n    pull_policy: never\n`,
    ),
  );
  return entries.length === 0 ? 'services: {}\n' : `services:\n${entries.join('')}`;
}

/** A digest names its content: it cannot be given to an image. */
function namesIn(references: readonly string[]): string[] {
  return references.filter((reference) => !reference.includes('@'));
}

/** Quoted for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What of RUN.sh is the same in every backup: it comes before the part that knows this one. */
const RUN_FUNCTIONS = `#!/bin/sh
# Brings the cluster up as it was when this backup was made. Needs docker and nothing else.
set -eu

usage() {
  echo "sh RUN.sh up                         with the volumes that are on this host now"
  echo "sh RUN.sh up --with-backup-volumes   with new volumes, filled from this backup (root)"
  echo
  echo "Bind mounts of the project directory come from this backup, which the cluster then writes to."
  echo "Volumes of the cluster in this backup:"
  volumes
  exit "$1"
}

# Fills a new volume. One that was filled before may have been written to since: it stays as it is.
fill() {
  filled="$(dirname "$backup")/.filled-$2"
  if docker volume inspect "$2" >/dev/null 2>&1; then
    [ -e "$filled" ] || { echo "volume $2 was not filled to its end: docker volume rm $2" >&2; exit 1; }
    echo "volume $2 is there already and is used as it is"
    return
  fi
  echo "volume $2 is filled from volumes/$1"
  docker volume create "$2" >/dev/null
  cp -a "$backup/volumes/$1/." "$(docker volume inspect --format '{{.Mountpoint}}' "$2")/"
  touch "$filled"
}

# An image that no registry has: where it is gone from this host, it comes from this backup. A name that means
# another image by now goes on meaning that.
load() {
  image=$1 file=$2
  shift 2
  if ! docker image inspect "$image" >/dev/null 2>&1; then
    [ -r "$backup/$file" ] || { echo "be root to load $file: sudo sh RUN.sh up $with" >&2; exit 1; }
    echo "the image $* is loaded from $file"
    docker image load --input "$backup/$file"
    docker image inspect "$image" >/dev/null
  fi
  for reference in "$@"; do
    docker image inspect "$reference" >/dev/null 2>&1 || docker image tag "$image" "$reference"
  done
}

# What docker compose looks for, in its order.
find_files() {
  for file in compose.yaml compose.yml docker-compose.yml docker-compose.yaml; do
    [ -e "$file" ] || continue
    echo "$file"
    for override in compose.override.yaml compose.override.yml docker-compose.override.yml docker-compose.override.yaml; do
      if [ -e "$override" ]; then echo "$override"; break; fi
    done
    return
  done
}

# The real place: "latest" may point elsewhere one day, and Docker keeps the path that it is told.
backup=$(cd "$(dirname "$0")" && pwd -P)
`;

/** RUN.sh: brings the cluster up from the backup, with nothing but Docker and a shell. */
export function runScript(facts: ByHand): string {
  const { project, projectPath, composeFiles, profiles, images, volumes, name } = facts;
  const names = volumes.map((volume) => volume.name);
  const shown = names.map((volume) => `echo "  "${quoted(volume)}`);
  const filled = names.map(
    (volume) => `  fill ${quoted(volume)} ${quoted(restoredVolumeName(volume, name))}`,
  );
  const files =
    composeFiles.length > 0
      ? composeFiles.map((file) => `set -- "$@" --file ${quoted(file)}`)
      : ['for file in $(find_files); do set -- "$@" --file "$file"; done'];
  const lines = [
    `volumes() { ${shown.length > 0 ? shown.join('; ') : 'echo "  (none)"'}; }`,
    '',
    '[ "${1:-}" = up ] || usage 2',
    'with=${2:-}',
    '[ -z "$with" ] || [ "$with" = --with-backup-volumes ] || usage 2',
    '',
    `cd "$backup/"${quoted(projectPath)}`,
    `set -- --project-name ${quoted(project)}`,
    ...files,
    ...profiles.map((profile) => `set -- "$@" --profile ${quoted(profile)}`),
    ...images.map(
      ({ id, file, references }) =>
        `load ${[id, file, ...namesIn(references)].map(quoted).join(' ')}`,
    ),
    ...(images.length > 0 ? ['set -- "$@" --file "$backup/images.override.yaml"'] : []),
    'if [ -n "$with" ]; then',
    '  [ "$(id -u)" = 0 ] || { echo "be root to fill volumes: sudo sh RUN.sh up $with" >&2; exit 1; }',
    ...filled,
    '  set -- "$@" --file "$backup/volumes.override.yaml"',
    'else',
    '  echo "the volumes of this host are used, not those of the backup"',
    'fi',
    'docker compose "$@" down',
    'docker compose "$@" up --detach',
  ];
  return `${RUN_FUNCTIONS}\n${lines.join('\n')}\n`;
}

/** RESTORE.md: what is in a backup, and what a person types to get it back. */
export function restoreText(facts: ByHand): string {
  const { name, project, projectPath, commit, livePath, images, volumes } = facts;
  const list = volumes.map((volume) => `- \`volumes/${volume.name}\``).join('\n');
  return `# Backup ${name}

The cluster \`${project}\` at commit \`${commit}\`, as plain files.

- \`${projectPath}/\` is the project directory with all its files, also those that git does not have.
- \`compose.resolved.json\` is what docker compose made of it (it holds secrets).
- \`manifest.json\` says what is in here, and what is not (\`leftOut\`); \`manifest.mtree\` has a SHA-256 of every file.
${list === '' ? '- There is no volume in it.' : `- The data of its volumes:\n${list}`}
${imageList(images)}
- \`engine/\` is how Docker was configured on this host, each file below its own path, and what was installed of it
  (\`engine/versions.json\`).

## With orchestrator-update

    orchestrator-update backup verify ${name}
    orchestrator-update restore ${name} --to /some/directory    # its files, beside the cluster
    orchestrator-update rollback --to ${name}                   # the release, with today's data

## With docker alone

    sudo sh RUN.sh    # says what it would do

\`sh RUN.sh up\` stops the cluster and starts this release, with the volumes that are on the host now: today's data.
\`sudo sh RUN.sh up --with-backup-volumes\` makes new volumes, fills them from here, and starts it with those: the data
of then. The other volumes stay as they are, under their names, until you remove them.
The same as the first of them, by hand:

    cd ${projectPath} && docker compose down && docker compose up -d

Back to where it usually runs:

    cd ${livePath} && docker compose down && docker compose up -d
${loadText(images)}
## Docker as it was

For a new host, or when its configuration is what broke. Look first, then copy what you want, and restart Docker
(without live-restore that stops every container for a moment):

    sudo cat engine/versions.json
    sudo diff -r engine/etc /etc | grep -v '^Only in /etc'
    sudo cp -a engine/etc/. /etc/
    sudo systemctl daemon-reload && sudo systemctl restart containerd docker

Another \`data-root\` or storage driver in it makes Docker look for images and volumes elsewhere: \`docker info\`
says which it uses now, \`engine/versions.json\` which it used.
`;
}

function imageList(images: ByHand['images']): string {
  if (images.length === 0)
    return '- There is no image in it: `manifest.json` names them by ID and digest.';
  const list = images.map(({ file, references }) => `- \`${file}\`: ${references.join(', ')}`);
  return `- The images that no registry has (\`manifest.json\` names the others by digest):\n${list.join('\n')}`;
}

function loadText(images: ByHand['images']): string {
  if (images.length === 0) return '';
  const commands = images.flatMap(({ id, file, references }) => [
    `    sudo docker image load --input ${file}`,
    ...namesIn(references).map((one) => `    docker image tag ${id} ${one}`),
  ]);
  return `
## Images

\`RUN.sh\` loads what is gone from the host, and uses the very images of then (\`images.override.yaml\`). By hand; a
tag takes the name from the image that has it now:

${commands.join('\n')}
`;
}
