/** One line of the stream with which the Engine API answers `POST /images/create`. */
export interface PullEvent {
  readonly id?: string | undefined;
  readonly status?: string | undefined;
  readonly progressDetail?:
    | { readonly current?: number | undefined; readonly total?: number | undefined }
    | undefined;
  /** The pull has failed; the HTTP status was sent long before. */
  readonly error?: string | undefined;
}

interface Layer {
  readonly receivedBytes: number;
  /** Unknown until the registry begins to send the layer. */
  readonly totalBytes: number | undefined;
  readonly isReceived: boolean;
  readonly isUnpacked: boolean;
}

/** The layers of an image that is being pulled, by ID; those that were here already are not in it. */
export type PullProgress = ReadonlyMap<string, Layer>;

const waiting: Layer = {
  receivedBytes: 0,
  totalBytes: undefined,
  isReceived: false,
  isUnpacked: false,
};
const BYTES_PER_MB = 1_000_000;

/** What is known after one more event. Events that are not about a layer change nothing. */
export function afterPullEvent(progress: PullProgress, event: PullEvent): PullProgress {
  const { id, status } = event;
  if (id === undefined || status === undefined) return progress;
  const layer = nextLayer(progress.get(id) ?? waiting, status, event.progressDetail ?? {});
  return layer === undefined ? progress : new Map([...progress, [id, layer]]);
}

/** The wording of dockerd, the same in both of its image stores (seen with 26.1). */
function nextLayer(
  layer: Layer,
  status: string,
  { current, total }: NonNullable<PullEvent['progressDetail']>,
): Layer | undefined {
  switch (status) {
    case 'Pulling fs layer':
    case 'Waiting':
      return layer;
    case 'Downloading':
      return { ...layer, receivedBytes: current ?? 0, totalBytes: total ?? layer.totalBytes };
    case 'Verifying Checksum':
    case 'Download complete':
    case 'Extracting':
      return received(layer);
    case 'Pull complete':
      return { ...received(layer), isUnpacked: true };
    default:
      return undefined;
  }
}

function received(layer: Layer): Layer {
  return { ...layer, receivedBytes: layer.totalBytes ?? layer.receivedBytes, isReceived: true };
}

/**
X
 * of unknown size counts as the mean of the others, so that the share grows evenly.
 */
export function describePull(progress: PullProgress): { text: string; fraction?: number } {
  const layers = [...progress.values()];
  const sizes = layers.flatMap(({ totalBytes }) => totalBytes ?? []);
  if (sizes.length === 0) return { text: 'the layers' };
  const unpacked = layers.filter(({ isUnpacked }) => isUnpacked).length;
  const count = `${unpacked} of ${layers.length} layer${layers.length === 1 ? '' : 's'}`;
  const knownBytes = sum(sizes);
  const meanBytes = knownBytes / sizes.length;
  const unknown = layers.filter((layer) => layer.totalBytes === undefined && !layer.isReceived);
  const totalBytes = knownBytes + unknown.length * meanBytes;
  const receivedBytes = sum(layers.map((layer) => layer.receivedBytes));
  const about = unknown.length > 0 ? 'about ' : '';
  return {
    text: `${megabytes(receivedBytes)} of ${about}${megabytes(totalBytes)} MB (${count})`,
    fraction: totalBytes === 0 ? 1 : Math.min(1, receivedBytes / totalBytes),
  };
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

const megabytes = (bytes: number): string => (bytes / BYTES_PER_MB).toFixed(1);
