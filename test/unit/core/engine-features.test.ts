import t from 'tap';
import { unknownFeatures } from '../../../src/core/engine-features.ts';

const everything = {
  healthcheck: { test: ['CMD', 'true'], start_interval: '1s' },
  volumes: [
    { type: 'volume', source: 'a', target: '/a', volume: { subpath: 'x' } },
    { type: 'image', source: 'models:1', target: '/m' },
  ],
  networks: { front: { interface_name: 'eth7' } },
};

await t.test('what an engine does not know, by the version of its API', async (t) => {
  t.same(unknownFeatures(everything, '1.49'), []);
  t.match(unknownFeatures(everything, '1.45'), [/mount of an image.*28/, /interface_name.*28\.1/]);
  t.equal(unknownFeatures(everything, '1.41').length, 4);
});

await t.test('who asks for nothing new can be brought by any engine', async (t) => {
  const plain = {
    healthcheck: { test: ['CMD', 'true'] },
    volumes: [{ type: 'volume', source: 'a', target: '/a', volume: {} }, '/b'],
    networks: { front: null },
  };
  t.same(unknownFeatures(plain, '1.41'), []);
  t.same(unknownFeatures({}, '1.41'), []);
});
