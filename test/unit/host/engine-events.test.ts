import t from 'tap';
import { openEngineStream } from '../../../src/host/engine-api.ts';
import { watchContainers } from '../../../src/host/engine-events.ts';
import { daemon } from '../../support/daemon.ts';

const told = (Action: string, more: object = {}, labels: object = {}) =>
  `${JSON.stringify({
    Action,
    timeNano: 1_700_000_000_250_000_000,
    Actor: { ID: 'c1', Attributes: { 'com.docker.compose.service': 'web', ...labels } },
    ...more,
  })}\n`;

await t.test('what is heard until it is stopped', async (t) => {
  let asked = '';
  const { promise: all, resolve: heard } = Promise.withResolvers<void>();
  const socket = await daemon(t, (request, response) => {
    asked = decodeURIComponent(request.url ?? '');
    response.writeHead(200);
    response.write(told('start') + told('die') + told('health_status: healthy'));
    response.write(told('health_status: unhealthy') + told('exec_create: sh') + 'no JSON\n');
    response.write(told('die', {}, { 'com.docker.compose.oneoff': 'True' }));
    response.write(told('die', { Actor: { ID: 'stranger' } }), () => setTimeout(heard, 50));
  });
  const watch = watchContainers(openEngineStream(socket), 'shop');
  await all;
  const events = await watch.stop();
  t.match(asked, /^\/events\?since=\d+\.\d{3}&filters=/);
  t.match(asked, /"com\.docker\.compose\.project=shop"/);
  t.same(
    events?.map(({ what }) => what),
    ['start', 'die', 'healthy', 'unhealthy'],
  );
  t.same(events?.[0], {
    atMs: 1_700_000_000_250,
    service: 'web',
    container: 'c1',
    what: 'start',
  });
});

await t.test('a Docker that ends, refuses or is not there: nothing is known', async (t) => {
  const ending = await daemon(t, (_request, response) => response.end(told('die')));
  const refusing = await daemon(t, (_request, response) => response.writeHead(400).end('{}'));
  for (const socket of [ending, refusing, '/nonexistent/docker.sock']) {
    const watch = watchContainers(openEngineStream(socket), 'shop');
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.equal(await watch.stop(), undefined, socket);
  }
});

await t.test('a Docker that has not answered yet does not keep anybody', async (t) => {
  const silent = await daemon(t, () => {});
  t.same(await watchContainers(openEngineStream(silent), 'shop').stop(), []);
});
