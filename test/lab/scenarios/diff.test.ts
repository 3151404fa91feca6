import t from 'tap';
import { composeFile } from '../cluster.ts';
import { startInstalled } from '../installed-host.ts';

await t.test('diff: two projects as docker compose resolves them, without a daemon', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const write = (path: string, text: string) => host.writeFile(`/srv/${path}`, text);
  const diff = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await host.cli('diff', ...args, '--json');
    return { exitCode, stderr, ...(stdout === '' ? {} : (JSON.parse(stdout) as object)) };
  };
  await host.run('mkdir', ['-p', '/srv/a/config', '/srv/b/config', '/srv/bad'], { reject: true });
  const more = { environment: { WHERE: `\${PWD}/x` } };
  await write('a/compose.yml', composeFile({ services: { knowledge: more } }));
  await write('b/compose.yml', composeFile({ services: { knowledge: { tag: 'v2', ...more } } }));
  await write('bad/compose.yml', 'services: [\n');
  await write('a/config/app.yml', 'level: info\n');
  await write('b/config/app.yml', 'level: debug\n');
  await host.run('systemctl', ['stop', 'docker.socket', 'docker'], { reject: true });

  await t.test('an image, and a mounted file; where they lie does not count', async (t) => {
    t.match(await diff('/srv/a', '/srv/b'), {
      exitCode: 0,
      verdict: 'image-only',
      services: { imageOnly: ['knowledge'], added: [], changed: {} },
      contents: { orchestrator: ['config/app.yml'], knowledge: ['config/app.yml'] },
      errors: [],
    });
    t.match(await diff('/srv/a', '/srv/a'), { exitCode: 0, verdict: 'none', contents: {} });
  });

  await t.test('a project that cannot be read', async (t) => {
    const found = await diff('/srv/a', '/srv/bad');
    t.match(found, { exitCode: 2, verdict: 'invalid-new', errors: [/^new: .*yaml/] });
    t.match(await diff('/srv/bad', '/srv/a'), { exitCode: 0, verdict: 'invalid-old' });
    t.match(await diff('/srv/a', '/srv/config'), { exitCode: 2 });
  });

  await t.test('two commits, as the user of the work tree; for people, a line each', async (t) => {
    await host.pushCluster({ tag: 'v2', services: { reporter: {} } });
    const asGeo = { user: 'geo', cwd: host.projectDir };
    await host.run('git', ['fetch', 'origin'], { ...asGeo, reject: true });
    const words = ['diff', 'HEAD', 'origin/embody-alpha'];
    const { exitCode, stdout } = await host.run('orchestrator-update', words, asGeo);
    t.equal(exitCode, 0);
    t.match(stdout, /^full\n\+ service reporter\n/);
    t.match(stdout, /^~ service orchestrator: image$/m);
    t.match(stdout, /^\+ volumes reporter_data$/m);
    const nowhere = await host.run('orchestrator-update', ['diff', 'HEAD', 'nosuch'], asGeo);
    t.equal(nowhere.exitCode, 2);
    t.match(nowhere.stderr, /nosuch is neither a directory nor a commit of /);
  });
});
