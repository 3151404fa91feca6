import t from 'tap';
import { asker, heads, withImages } from '../support/registry-asker.ts';
import { startRegistry } from '../support/registry-world.ts';

t.beforeEach(() => {
  process.env['DOCKER_CONFIG'] = '/nowhere';
});

await t.test('a look has an end, and shows that it goes on until then', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const [reference = ''] = await withImages(t, world, host, ['team/app']);
  world.fault = ({ url = '' }, response) => {
    if (!url.includes('/tags/list')) return false;
    host.pass(10);
    response.writeHead(200, { link: '</v2/team/app/tags/list?last=1>; rel="next"' });
    response.end('{"tags":["1"]}');
    return true;
  };
  const tags = { kind: 'regex', pattern: '.*' } as const;
  t.match(await host.answer({ reference, tags }), {
    verdict: 'failed',
    kind: 'unreachable',
    detail: `${world.name} was not asked for http://${world.name}/v2/team/app/tags/list: asking the registries took more than 120 s`,
  });
  const pages = world.asked().filter((one) => one.includes('/tags/')).length;
  t.equal(pages, 12);
  t.ok(host.progress.length > pages, 'a sign of life for each');
});

await t.test('an answer that begins late has what is left of the time', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t, 30);
  const [reference = ''] = await withImages(t, world, host, ['team/app']);
  world.fault = ({ method }) => {
    if (method !== 'HEAD') host.pass(119);
    return method === 'HEAD';
  };
  t.match(await host.answer({ reference }), { detail: /no whole answer within 1 s/ });
});

await t.test('what is not asked in time is named; what was asked counts', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name) => `team/${name}`);
  const references = await withImages(t, world, host, names);
  // Eight are asked for at the same time.
  world.fault = ({ method }) => {
    if (method === 'HEAD') host.pass(130);
    return false;
  };
  const { images } = await host.look(...references.map((reference) => ({ reference })));
  t.equal(images.filter(({ answer }) => answer.verdict === 'same').length, 8);
  for (const { answer, question } of images.slice(8)) {
    const path = question.reference.split('/').slice(1).join('/').replace(':', '/manifests/');
    t.match(answer, { verdict: 'failed', kind: 'unreachable' });
    t.match((answer as { detail: string }).detail, `/v2/${path}: asking`);
  }
  t.equal(heads(world.asked()).length, 8);
  world.fault = undefined;
  t.match(await host.answer({ reference: references[9] ?? '' }), { verdict: 'same' });
});
