import { networkCommand } from '../lab/network.ts';
import type { LabHost } from '../lab/lab-host.ts';

export const writerPort = 8400;

/**
 * A service of the cluster that writes numbered lines to its volume, each on the disk before it is
 * acknowledged: by the number it serves. It goes on where the file ends. Each line begins a new one, so
 * that what was written of one for which there was no room spoils no other.
 */
const script = [
  `trap 'exit 0' TERM`,
  `mkdir -p /tmp/www`,
  `touch /data/writes && sync /data/writes /data`,
  // The number of a line that a power cut tore is written again.
  `n=$(grep -E '^[0-9]+[.]$' /data/writes 2>/dev/null | tail -n 1 | tr -d .)`,
  `n=\${n:-0}`,
  `echo "{\\"status\\":\\"ok\\",\\"version\\":\\"$VERSION\\"}" >/tmp/www/health`,
  `httpd -p ${writerPort} -h /tmp/www`,
  `while :; do`,
  `  n=$((n+1))`,
  // What cannot be written (a full disk) is written again.
  String.raw`  printf '\n%s.' $n >>/data/writes && sync /data/writes || { n=$((n-1)); usleep 50000; continue; }`,
  `  echo $n >/tmp/www/new && mv /tmp/www/new /tmp/www/acked`,
  `  usleep 50000`,
  `done`,
].join('\n');

/** The writer, as a compose file says it; `tag` is its version, as of any other service. */
export function writerService(tag: string): object {
  return {
    image: `registry.lab:5000/knowledge:${tag}`,
    entrypoint: ['/bin/busybox', 'sh', '-c', script.replaceAll('$', () => '$$')],
    restart: 'unless-stopped',
    ports: [`${writerPort}:${writerPort}`],
    volumes: ['writer_data:/data'],
    networks: ['backend'],
  };
}

/** The highest number that was acknowledged, as far as it is heard now; undefined when nobody answers. */
export async function acknowledged(host: LabHost): Promise<number | undefined> {
  const url = `http://${host.address}:${writerPort}/acked`;
  const { exitCode, stdout } = await networkCommand('curl', ['-fsS', '-m1', url], false);
  return exitCode === 0 ? Number(stdout.trim()) || undefined : undefined;
}

const volume = '/var/lib/docker/volumes/autonomy_writer_data/_data/writes';

/** What is wrong with what was written: a number that is missing although it was acknowledged, or comes later. */
export async function lostWrites(host: LabHost, highestAcknowledged: number): Promise<string[]> {
  const numbers = (await host.readFile(volume))
    .split('\n')
    .filter((line) => /^\d+\.$/.test(line))
    .map((line) => Number(line.slice(0, -1)));
  const gap = numbers.findIndex(
    (number, index) => index > 0 && number > (numbers[index - 1] ?? 0) + 1,
  );
  const last = numbers.at(-1) ?? 0;
  return [
    ...(gap === -1
      ? []
      : [`write ${(numbers[gap - 1] ?? 0) + 1} is missing before ${numbers[gap]}`]),
    ...(last < highestAcknowledged
      ? [`write ${highestAcknowledged} was acknowledged, and the last one there is ${last}`]
      : []),
    ...(numbers[0] === 1 ? [] : [`the first write is ${numbers[0]}`]),
  ];
}
