import t, { type Test } from 'tap';
import { poll, sleep } from '../command.ts';
import { versions } from '../cluster-view.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { allAt, backupsOf, expectUpdate, hasFile, waitUntilIdle } from '../picture.ts';

const backups = '/home/geo/operation/backups';
const frozen = '/var/lib/orchestrator-update/frozen.json';
const volume = (name: string): string => `/var/lib/docker/volumes/autonomy_${name}_data/_data`;

async function newest(host: InstalledHost): Promise<string> {
  const { stdout } = await host.run('readlink', [`${backups}/latest`], { reject: true });
  return stdout.trim();
}

async function states(host: InstalledHost): Promise<string[]> {
  return (await host.containers()).map(({ state }) => state);
}

/** Nobody is paused any more, and nobody has to do anything for it. */
async function expectThawed(t: Test, host: InstalledHost, withinSeconds: number): Promise<void> {
  const thawed = await poll(
    async () => ((await states(host)).every((state) => state === 'running') ? true : undefined),
    { timeoutSeconds: withinSeconds, stepMs: 100 },
  );
  t.ok(thawed, 'everything runs');
}

await t.test('a backup has the volumes, is verified, and can be laid out again', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  await host.bash(
    `mkdir -m 700 ${volume('knowledge')}/db && cd ${volume('knowledge')}/db &&
    printf one >a && ln a b && chown 999:998 a && chmod 640 a && mknod c c 1 3 && mkfifo p &&
    setfacl -m u:1234:r a && setfattr -n user.note -v kept a && truncate -s 1G sparse &&
    cp /bin/true cap && setcap cap_net_raw+ep cap && chmod u+s cap && touch -d @1.123456789 a`,
    {
      reject: true,
    },
  );

  await t.test('by the service, before an update', async (t) => {
    await host.pushCluster({ tag: 'v2' });
    const said = await expectUpdate(t, host, 0);
    t.match(said, /nobody wrote for \d\.\d s \(paused: knowledge, neurosync_s1, orchestrator\)/);
    await expectThawed(t, host, 1);
    const { stdout } = await host.cli('backup', 'show', '--json');
    t.match(JSON.parse(stdout), {
      volumes: [
        'autonomy_knowledge_data',
        'autonomy_neurosync_s1_data',
        'autonomy_orchestrator_data',
      ],
      frozen: { paused: ['knowledge', 'neurosync_s1', 'orchestrator'], stopped: [] },
    });
    t.match(await host.cli('backup', 'verify'), { exitCode: 0, stdout: /is what was backed up/ });
    const kept = /^backup\t\d+T\d+Z-\w+: \d+ MB in [\d.]+ s, frozen for \d\.\d s; 1 kept$/m;
    t.match((await host.cli('status')).stdout, kept);
    t.match((await host.cli('history')).stdout, /\t\d+ MB, [\d.]+ s\t/);
  });

  await t.test('every kind of file is what it was, sandbox or not', async (t) => {
    const facts = async (directory: string): Promise<string> => {
      const script = `cd ${directory} && find . -printf '%P %y %m %U %G %T@ %n %l %s\\n' | sort &&
        getfacl -nR . && getfattr -dR -m - . && du --apparent-size -s . && du -s sparse && cat a`;
      return (await host.bash(script, { reject: true })).stdout;
    };
    const live = await facts(`${volume('knowledge')}/db`);
    t.match(live, /security\.capability/);
    const copy = `${backups}/latest/volumes/autonomy_knowledge_data/db`;
    t.equal(await facts(copy), live);
    t.match(await host.cli('restore', '--to', '/var/tmp/restored'), { exitCode: 0 });
    t.equal(await facts('/var/tmp/restored/volumes/autonomy_knowledge_data/db'), live);
    const again = await host.cli('restore', '--to', '/var/tmp/restored');
    t.match(again, { exitCode: 1, stderr: /is not empty: a restore never overwrites anything/ });
    const asGeo = await host.run('ls', [`${backups}/latest/volumes`], { user: 'geo' });
    t.not(asGeo.exitCode, 0, 'what Docker hides from other users is hidden here, too');
  });

  await t.test('a flipped byte is found', async (t) => {
    const file = `${backups}/latest/autonomy/docker-compose.yml`;
    const time = (await host.bash(`stat -c %Y ${file}`, { reject: true })).stdout.trim();
    await host.bash(
      `printf X | dd of=${file} bs=1 seek=3 conv=notrunc; touch -d @${time} ${file}`,
      {
        reject: true,
      },
    );
    const { exitCode, stdout } = await host.cli('backup', 'verify');
    t.equal(exitCode, 1);
    t.match(stdout, /is damaged:\n {2}autonomy\/docker-compose\.yml: its content differs/);
  });

  await t.test('by hand: kept are the newest, and one is made anew from the oldest', async (t) => {
    for (let count = 0; count < 6; count++) {
      await host.bash(`printf ${count} >${volume('knowledge')}/db/count`, { reject: true });
      const { exitCode, stdout } = await host.cli('backup', 'create');
      t.equal(exitCode, 0, stdout);
      const health = (await host.containers()).map((one) => one.health);
      t.same(health, ['healthy', 'healthy', 'healthy'], 'Docker calls a paused one unhealthy');
      await sleep(1000);
    }
    t.equal((await backupsOf(host)).length, 5);
    t.match(await host.cli('backup', 'verify'), { exitCode: 0 });
    const { stdout } = await host.cli('backup', 'list', '--json');
    const inodes = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    const script = inodes.map(
      (name) => `stat -c '%i' ${backups}/${name}/volumes/autonomy_knowledge_data/db/a`,
    );
    const numbers = (await host.bash(script.join('; '), { reject: true })).stdout.split('\\n');
    t.equal(new Set(numbers).size, numbers.length, 'no two share an inode');
  });
});

await t.test('a cluster that is frozen goes on, whatever ends the backup', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  // What changes while the first copy is made is copied again while nobody writes: that takes its time.
  await host.bash(`head -c 400000000 /dev/urandom >${volume('knowledge')}/big`, { reject: true });
  const waitUntilFrozen = `until [ -e ${frozen} ]; do sleep 0.02; done; sleep 0.1`;
  /** Begins one in the background, and has it be met while nobody writes. */
  const begin = async (): Promise<string> => {
    const touch = `(while [ ! -e ${frozen} ]; do touch ${volume('knowledge')}/big; sleep 0.05; done) &`;
    const run = `setsid orchestrator-update backup create >/root/backup.log 2>&1 </dev/null & echo $!`;
    const started = await host.bash(`${touch} ${run}`, { reject: true });
    await host.bash(waitUntilFrozen, { timeoutSeconds: 60, reject: true });
    return started.stdout.trim();
  };

  await t.test('kill -9: at once, with nobody who does anything', async (t) => {
    const pid = await begin();
    t.ok((await states(host)).includes('paused'), 'met in the middle');
    await host.bash(`kill -9 ${pid}`, { reject: true });
    await expectThawed(t, host, 3);
    // A copy that was under way goes on for a moment, and keeps the lock meanwhile.
    await host.bash('while pgrep -x rsync; do sleep 0.1; done', { timeoutSeconds: 60 });
    t.match(await host.cli('backup', 'create'), { exitCode: 0 });
    t.notOk(await hasFile(host, frozen));
    t.match(await host.cli('backup', 'verify'), { exitCode: 0 });
  });

  await t.test('a signal: it is given up, and leaves nothing', async (t) => {
    const before = await newest(host);
    const pid = await begin();
    await host.bash(`kill -TERM ${pid}; while kill -0 ${pid}; do sleep 0.1; done`, {
      timeoutSeconds: 30,
    });
    await expectThawed(t, host, 1);
    t.equal(await newest(host), before);
    t.match(
      await backupsOf(host),
      (await backupsOf(host)).filter((name) => !name.startsWith('.')),
    );
  });

  await t.test('it takes too long: given up, and the update is not begun', async (t) => {
    const config = '/etc/orchestrator-update/update_config.yaml';
    const usual = await host.readFile(config);
    const limited = usual.replace(/^ {2}keep: .*$/m, '$&\n  freeze_seconds: 0.1');
    t.match(limited, /freeze_seconds/);
    await host.writeFile(config, limited, { mode: '0600', owner: 'root:root' });
    const release = await host.pushCluster({ tag: 'v3' });
    const touched = host.bash(
      `until [ -e ${frozen} ]; do touch ${volume('knowledge')}/big; sleep 0.02; done`,
      { timeoutSeconds: 100 },
    );
    t.not((await host.update()).exitCode, 0);
    await touched;
    t.match(await host.journal(), /took longer than 0\.1 s and was ended/);
    await expectThawed(t, host, 1);
    t.not(await host.head(), release);
    await host.writeFile(config, usual, { mode: '0600', owner: 'root:root' });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v3'));
  });

  await t.test('the power', async (t) => {
    const before = await newest(host);
    await begin();
    await host.powerCut();
    await host.boot();
    await waitUntilIdle(host);
    await expectThawed(t, host, 20);
    t.notOk(await hasFile(host, frozen));
    t.equal(await newest(host), before);
    t.match(await host.cli('backup', 'verify'), { exitCode: 0 });
    t.match(await host.cli('backup', 'create'), { exitCode: 0 });
  });

  await t.test('dockerd', async (t) => {
    await begin();
    await host.bash('kill -9 $(pidof dockerd)', { reject: true });
    await waitUntilIdle(host);
    await expectThawed(t, host, 60);
    await waitUntilIdle(host);
    t.match(await host.cli('backup', 'create'), { exitCode: 0 });
    t.notOk(await hasFile(host, frozen));
  });
});
