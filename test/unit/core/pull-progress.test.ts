import t from 'tap';
import {
  afterPullEvent,
  describePull,
  type PullEvent,
  type PullProgress,
} from '../../../src/core/pull-progress.ts';

const after = (...events: PullEvent[]) =>
  describePull(events.reduce<PullProgress>(afterPullEvent, new Map()));

const layer = (id: string): PullEvent => ({ id, status: 'Pulling fs layer', progressDetail: {} });
const came = (id: string, current: number, total: number): PullEvent => ({
  id,
  status: 'Downloading',
  progressDetail: { current: current * 1e6, total: total * 1e6 },
});

await t.test('before a size is known there is no bar', async (t) => {
  t.same(after(), { text: 'the layers' });
  t.same(after({ status: 'Pulling from web', id: '2' }, layer('a')), {
    text: 'the layers',
  });
});

await t.test('bytes of all layers; one of unknown size counts as the mean', async (t) => {
  t.same(after(layer('a'), layer('b'), came('a', 5, 20), came('b', 1, 10)), {
    text: '6.0 of 30.0 MB (0 of 2 layers)',
    fraction: 0.2,
  });
  t.same(after(layer('a'), layer('b'), came('a', 5, 20)), {
    text: '5.0 of about 40.0 MB (0 of 2 layers)',
    fraction: 0.125,
  });
});

await t.test('a layer that is down, unpacked, or was here before', async (t) => {
  const down = { id: 'a', status: 'Download complete', progressDetail: {} };
  const unpacking = { id: 'a', status: 'Extracting', progressDetail: { current: 3, total: 9 } };
  const whole = { text: '20.0 of 20.0 MB (0 of 1 layer)', fraction: 1 };
  t.same(after(came('a', 5, 20), down), whole);
  t.same(after(came('a', 5, 20), unpacking), whole, 'what is unpacked counts other bytes');
  t.same(after(came('a', 5, 20), { id: 'a', status: 'Pull complete' }), {
    ...whole,
    text: '20.0 of 20.0 MB (1 of 1 layer)',
  });
  t.same(after(came('a', 5, 20), { id: 'b', status: 'Already exists' }, down), whole);
  t.same(
    after(came('a', 0, 20), layer('b'), { id: 'b', status: 'Pull complete' }),
    { text: '0.0 of 20.0 MB (1 of 2 layers)', fraction: 0 },
    'a layer so small that its bytes were never told',
  );
});
