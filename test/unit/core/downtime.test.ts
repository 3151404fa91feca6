import t from 'tap';
import { downtimesIn, type ContainerEvent } from '../../../src/core/downtime.ts';
import { container } from '../../support/builders.ts';

const event = (
  atMs: number,
  service: string,
  what: ContainerEvent['what'],
  id = `id-${service}`,
): ContainerEvent => ({ atMs, service, container: id, what });

await t.test('from the end of the old container to the start of the new one', async (t) => {
  const events = [event(1000, 'web', 'die'), event(3500, 'web', 'start', 'new')];
  t.same(downtimesIn([container('web')], events, 9000), [{ service: 'web', seconds: 2.5 }]);
});

await t.test('where Docker checks the health: until it is healthy', async (t) => {
  const before = [container('web', { health: 'healthy' })];
  const events = [
    event(1000, 'web', 'die'),
    event(3000, 'web', 'start', 'new'),
    event(8000, 'web', 'healthy', 'new'),
  ];
  t.same(downtimesIn(before, events, 9000), [{ service: 'web', seconds: 7 }]);
  const flapping = [event(1000, 'web', 'unhealthy'), event(1500, 'web', 'healthy')];
  t.same(downtimesIn(before, flapping, 9000), [{ service: 'web', seconds: 0.5 }]);
});

await t.test('gaps add up, in whatever order they are told', async (t) => {
  const events = [
    event(5000, 'web', 'start', 'c'),
    event(1000, 'web', 'die'),
    event(2000, 'web', 'start', 'b'),
    event(4000, 'web', 'die', 'b'),
  ];
  t.same(downtimesIn([container('web')], events, 9000), [{ service: 'web', seconds: 2 }]);
});

await t.test('another container of the service stands in', async (t) => {
  const before = [container('web'), container('web', { id: 'two' })];
  const rolling = [
    event(1000, 'web', 'die'),
    event(2000, 'web', 'start', 'a'),
    event(3000, 'web', 'die', 'two'),
    event(4000, 'web', 'start', 'b'),
  ];
  t.same(downtimesIn(before, rolling, 9000), []);
});

await t.test('what was not there is not away: new, stopped, sick services', async (t) => {
  const before = [
    container('stopped', { state: 'exited' }),
    container('sick', { health: 'unhealthy' }),
  ];
  const events = [
    event(1000, 'added', 'start'),
    event(1500, 'stopped', 'start'),
    event(1600, 'sick', 'die'),
  ];
  t.same(downtimesIn(before, events, 9000), []);
  const again = [...events, event(2000, 'added', 'die'), event(2250, 'added', 'start', 'b')];
  t.same(downtimesIn(before, again, 9000), [{ service: 'added', seconds: 0.25 }]);
});

await t.test('still away at the end: at least so long, and it says so', async (t) => {
  const events = [event(1000, 'web', 'die')];
  t.same(downtimesIn([container('web')], events, 4000), [
    { service: 'web', seconds: 3, goesOn: true },
  ]);
});

await t.test('a clock that is set back makes no negative time', async (t) => {
  const events = [event(5000, 'web', 'die')];
  t.same(downtimesIn([container('web')], events, 1000), [
    { service: 'web', seconds: 0, goesOn: true },
  ]);
});
