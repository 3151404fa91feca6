import t from 'tap';
import {
  bytesOfImages,
  releaseImages,
  roomForImages,
  type SavedImage,
} from '../../../src/core/saved-images.ts';

const ID = `sha256:${'0123456789abcdef'.repeat(4)}`;
const model = {
  name: 'shop',
  services: {
    web: { image: 'web:1' },
    built: { build: '.' },
    worker: { build: '.', image: 'registry.example/worker:2' },
    again: { image: 'shop-built' },
    idle: { image: 'idle:1' },
  },
};
const images = { web: 'sha256:w', built: ID, worker: 'sha256:k', again: ID, orphan: 'sha256:o' };
const facts = {
  'sha256:w': { id: 'sha256:w', digests: ['web@sha256:d'], tags: [], sizeBytes: 1 },
  'sha256:k': {
    id: 'sha256:k',
    digests: ['registry.example/worker@sha256:e'],
    tags: [],
    sizeBytes: 10,
  },
  [ID]: { id: ID, digests: [], tags: [], sizeBytes: 100 },
};

await t.test('what is built here, or has no digest, is saved: one file for each ID', async (t) => {
  const { saved, digests, leftOut } = releaseImages(model, images, facts, 'local');
  t.same(saved, [
    {
      id: ID,
      file: 'images/0123456789ab.tar',
      services: ['again', 'built'],
      references: ['shop-built'],
      sizeBytes: 100,
    },
    {
      id: 'sha256:k',
      file: 'images/k.tar',
      services: ['worker'],
      references: ['registry.example/worker:2'],
      sizeBytes: 10,
    },
  ]);
  t.same(digests, {
    again: [],
    built: [],
    web: ['web@sha256:d'],
    worker: ['registry.example/worker@sha256:e'],
  });
  t.same(leftOut, []);
});

await t.test('what is not saved is told', async (t) => {
  const none = releaseImages(model, images, facts, 'none');
  t.same(none.saved, []);
  t.same(
    none.leftOut.map(({ subject }) => subject),
    [
      'image shop-built of service again',
      'image shop-built of service built',
      'image registry.example/worker:2 of service worker',
    ],
  );
  t.match(none.leftOut[0], { why: 'backup.images says so' });
  const gone = releaseImages(model, images, { ...facts, [ID]: undefined }, 'local');
  t.match(gone.leftOut, [{ why: /not on this host any more/ }, {}]);
  t.same(
    gone.saved.map(({ id }) => id),
    ['sha256:k'],
  );
});

const image = (id: string, sizeBytes: number): SavedImage => ({
  id,
  file: '',
  services: [],
  references: [],
  sizeBytes,
});

await t.test('the room they need beside the files of another backup', async (t) => {
  const [old, same, next] = [image('a', 100), image('b', 20), image('c', 130)];
  t.equal(bytesOfImages(), 0);
  t.equal(roomForImages([same, next]), 150);
  t.equal(roomForImages([same, next], [old, same]), 130, 'its blocks are shared with the other');
  t.equal(roomForImages([same, next], [old, same], true), 30, 'what goes leaves its room');
  t.equal(roomForImages([same], [old, same], true), 0);
});
