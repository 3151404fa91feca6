import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { poll, sleep } from '../command.ts';
import { hookCalls } from '../control-host.ts';
import { openHost, startHost } from '../lab-host.ts';
import { cgroupOf, diskOf, hostRecordsDir, rootOf, runDir } from '../paths.ts';
import { prepareLab } from '../prepare.ts';
import { healthTargets, startProber } from '../prober.ts';
import { clusterLayouts } from '../seeds.ts';

await prepareLab((line) => t.comment(line));

for (const layout of clusterLayouts) {
  await t.test(
    `a host of layout ${layout} serves v1, sees a release, and leaves nothing`,
    async (t) => {
      const host = await startHost({ layout });
      t.teardown(() => host.destroy());
      for (const port of [8082, 5001, 8200]) {
        t.match(await host.served(port), { status: 'ok', version: 'v1' }, `port ${port}`);
      }
      t.match(await host.served(8200), { greeting: 'hello', config: 'level: info' });

      const sha = await host.pushCluster({ services: { orchestrator: { tag: 'v2' } } });
      const asGeo = { user: 'geo', cwd: host.workTree };
      const remote = await host.run('git', ['ls-remote', 'origin', 'embody-alpha'], asGeo);
      t.equal(remote.stdout, `${sha}\trefs/heads/embody-alpha`);
      t.equal((await host.run('git', ['status', '--porcelain'], asGeo)).stdout, '');

      const apply =
        'git pull -q && git submodule update --init --recursive && cd $1 && docker compose up -d --wait';
      const args = ['-c', apply, 'apply', host.projectDir];
      t.match(await host.run('bash', args, asGeo), { exitCode: 0 });
      t.match(await host.served(8082), { version: 'v2' });
      t.match(await host.served(8200), { version: 'v1' });

      await host.destroy();
      t.notOk(existsSync(diskOf(host.name)), 'no disk');
      t.notOk(existsSync(rootOf(host.name)), 'no tree');
      t.notOk(existsSync(cgroupOf(host.name)), 'no cgroup');
      t.notOk(existsSync(`${hostRecordsDir}/${host.name}.json`), 'no record');
      t.notOk(readFileSync('/proc/mounts', 'utf8').includes(`lab-${host.name} `), 'no mount');
      t.same(
        readdirSync(runDir).filter((file) => file.startsWith(`${host.name}.`)),
        [],
      );
      await t.rejects(openHost(host.name));
    },
  );
}

await t.test('power', async (t) => {
  const host = await startHost();
  t.teardown(() => host.destroy());
  const knowledgeOf = async () => (await host.containers()).find((one) => one.name === 'knowledge');
  const before = await knowledgeOf();

  await t.test('a power cut: the cluster comes back with the same containers', async (t) => {
    const prober = await startProber(healthTargets(host, { knowledge: 8200 }));
    await host.powerCut();
    t.equal(await host.served(8200), undefined);
    await host.boot();
    await host.waitHealthy();
    const { targets } = await prober.stop();
    t.equal((await knowledgeOf())?.id, before?.id);
    t.ok((targets['knowledge']?.downMs ?? 0) > 200, 'the prober saw it');
    t.equal(targets['knowledge']?.windows.length, 1);
    t.type(targets['knowledge']?.firstSeen['v1'], 'number');
  });

  await t.test('an unsynced cut: what was not fsynced is lost, what was is not', async (t) => {
    // Somebody beside us may sync every disk there is in that very moment.
    let isLost = false;
    for (let tries = 1; tries <= 3 && !isLost; tries++) {
      await host.bash('rm -f /root/lost; echo safe >/root/safe; sync; echo lost >/root/lost');
      await host.cutUnsynced();
      const safe = await host.readFile('/root/safe');
      t.equal(safe, 'safe\n', 'a file is readable while the host is off');
      await host.boot();
      await host.waitHealthy();
      // The file itself may be there, with a length; its content is not.
      isLost = !(await host.bash('cat /root/lost')).stdout.includes('lost');
    }
    t.ok(isLost, 'what was not fsynced is gone');
  });

  await t.test('a reboot from inside', async (t) => {
    // It throws when the host is off: nothing can be asked then.
    const ask = (...words: string[]) =>
      host.run('timeout', ['20', ...words]).catch(() => ({ stdout: '', stderr: 'off' }));
    const bootedAt = async () => (await ask('ps', '-o', 'lstart=', '-p', '1')).stdout;
    const first = await bootedAt();
    await sleep(1000);
    // The shell that asks for it may be ended before it can answer; a login manager that was
    // ended meanwhile may lose the request: it is asked again.
    const answers: string[] = [];
    const second = await poll(
      async () => {
        const at = await bootedAt();
        if (at !== '' && at !== first) return at;
        if (at !== first) return undefined;
        answers.push((await ask('systemctl', 'reboot', '--no-block')).stderr);
        await poll(async () => ((await bootedAt()) === first ? undefined : true), {
          timeoutSeconds: 30,
          stepMs: 100,
        });
        return undefined;
      },
      // A Docker that lost a container in the cut before is ended by systemd after a minute and a half.
      { timeoutSeconds: 240, stepMs: 100 },
    );
    const console = readFileSync(`${runDir}/${host.name}.console`, 'utf8').slice(-2000);
    t.ok(second, `${first} → ${second}; asked: ${answers.join(' | ')}; console: ${console}`);
    await host.waitHealthy();
  });

  await t.test('freeze, cable, disk', async (t) => {
    await host.freeze();
    t.equal(await host.served(8200), undefined);
    await host.thaw();
    t.match(await host.served(8200), { version: 'v1' });
    await host.unplug();
    t.equal(await host.served(8200), undefined);
    await host.plug();
    await host.waitHealthy();
    const fill = await host.fillDisk('/var', 1024 * 1024);
    t.match(await host.bash('head -c 5000000 /dev/zero >/root/big'), { stderr: /No space left/ });
    await host.run('rm', [fill, '/root/big']);
    t.match(await host.bash('head -c 5000000 /dev/zero >/root/big'), { exitCode: 0 });
  });
});

await t.test('commands and files', async (t) => {
  const host = await startHost({ layout: 'none' });
  t.teardown(() => host.destroy());
  await host.writeFile('/etc/lab/secret', 'a\nb\n\n', { mode: '0600', owner: 'geo:geo' });
  t.equal(await host.readFile('/etc/lab/secret'), 'a\nb\n\n');
  t.equal((await host.run('stat', ['-c', '%U %a', '/etc/lab/secret'])).stdout, 'geo 600');
  t.match(await host.run('sleep', ['5'], { timeoutSeconds: 1 }), { exitCode: 124 });
  t.match(await host.bash('echo $X; id -un; exit 3', { user: 'geo', env: { X: 'y' } }), {
    exitCode: 3,
    stdout: 'y\ngeo',
  });
  await host.copyIn(import.meta.dirname, '/root/copied');
  t.ok((await host.run('ls', ['/root/copied'])).stdout.includes('lab.test.ts'));
  const path = `http://hook.lab:9000/${host.name}/notify`;
  t.match(await host.run('curl', ['-fsS', '-d', '{"a":1}', path]), { stdout: 'ok' });
  t.match(await hookCalls(`/${host.name}/`), [{ method: 'POST', body: '{"a":1}' }]);
  t.match(await host.bash('command -v node ansible'), { stdout: '' }, 'no Node in the guest');
});
