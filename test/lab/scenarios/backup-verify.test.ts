import t from 'tap';
import { startInstalled } from '../installed-host.ts';
import { journalEnd, takePicture, waitForJournal } from '../picture.ts';
import { startTimer, timer } from '../timer.ts';

const backups = '/home/geo/operation/backups';

await t.test('a backup is brought up beside the cluster', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.pushCluster({
    services: {
      knowledge: {
        volumes: ['/var/run/docker.sock:/var/run/docker.sock', './notes:/notes'],
        extra: { labels: { 'traefik.enable': 'true' } },
      },
    },
  });
  // A service with the socket of Docker waits for a person.
  await host.update();
  t.match(await host.cli('approve'), { exitCode: 0 });
  t.match(await host.cli('backup', 'create'), { exitCode: 0 });
  const before = await takePicture(host);
  const list = async (what: string): Promise<string> =>
    (await host.bash(`docker ${what}`, { reject: true })).stdout;
  const [volumes, networks] = [await list('volume ls -q'), await list('network ls -q')];

  await t.test('it is healthy, and then all of it is gone', async (t) => {
    // Each look at what is there while it goes on.
    const watch = `for i in $(seq 400); do docker ps --filter label=com.docker.compose.project=autonomy-verify \
      --format '{{.Names}} {{.Ports}} {{.Mounts}}'; sleep 0.1; [ -e /run/verified ] && break; done | sort -u`;
    const seen = host.bash(watch, { timeoutSeconds: 90 });
    const { exitCode, stdout, stderr } = await host.cli('backup', 'verify', '--restore');
    await host.run('touch', ['/run/verified']);
    t.equal(exitCode, 0, stderr + stdout);
    t.match(stdout, /was laid out, brought up beside the cluster, and is healthy/);
    const names = (await seen).stdout;
    t.match(names, /^autonomy-verify-knowledge-1 /m, 'it was there');
    t.notMatch(names, /->|docker\.sock/, 'no port is published, no socket of the host in it');
    t.same(await takePicture(host), before, 'the cluster is as it was');
    t.equal(await list('volume ls -q'), volumes);
    t.equal(await list('network ls -q'), networks);
    t.equal(await list('ps -aq --filter label=com.docker.compose.project=autonomy-verify'), '');
  });

  await t.test('one that cannot run is told', async (t) => {
    const model = `${backups}/latest/compose.resolved.json`;
    await host.bash(`sed -i 's/"PORT": "8200"/"PORT": "8201"/' $(readlink -f ${model})`, {
      reject: true,
    });
    const { exitCode, stdout } = await host.cli('backup', 'verify', '--restore');
    t.equal(exitCode, 1);
    t.match(stdout, /compose\.resolved\.json: its content differs/);
    t.same((await takePicture(host)).containers, before.containers);
    const left = await host.bash(`ls -A ${backups} | grep -c '^[.]'`);
    t.equal(left.stdout.trim(), '0');
  });

  await t.test('the timer reads backups, and a flipped byte fails its unit', async (t) => {
    t.match(await host.cli('backup', 'create'), { exitCode: 0 });
    const file = '/etc/orchestrator-update/update_config.yaml';
    const usual = await host.readFile(file);
    const all = usual.replace(/^backup:\n/m, 'backup:\n  verify: {sample_percent: 100}\n');
    await host.writeFile(file, all, { mode: '0600', owner: 'root:root' });
    const flip = [
      `cd ${backups}/$(readlink ${backups}/latest)/autonomy`,
      'touch -r docker-compose.yml /run/times',
      'printf X | dd of=docker-compose.yml conv=notrunc status=none',
      'touch -r /run/times docker-compose.yml',
    ].join(' && ');
    await host.bash(flip, { reject: true });
    const since = await journalEnd(host);
    await startTimer(host, 5);
    const failed = /Failed with result 'exit-code'[^]*nothing to do: /;
    await waitForJournal(host, failed, { since });
    await host.run('systemctl', ['stop', timer], { reject: true });
    const said = (await host.journal()).slice(since);
    const wrong = /the backup .* is damaged: .*autonomy\/docker-compose\.yml: its content differs/g;
    t.equal(said.match(wrong)?.length, 1, 'it is said, and only once');
    t.match(said, /next: orchestrator-update backup create/);
    const errors = ['-p', 'err', '-o', 'cat', '-u', 'orchestrator-update', '--no-pager'];
    t.match((await host.run('journalctl', errors)).stdout, wrong, 'as an error');
    t.match((await host.cli('status')).stdout, /^ALARM\tthe backup .* is damaged: .*create/m);
    t.match((await host.cli('doctor')).stdout, /verification of backups.*is damaged/);
    t.match((await host.cli('backup', 'list')).stdout, /\n\S+\t.*\tdamaged(\n|$)/);
    t.match(await host.cli('backup', 'create'), { exitCode: 0 });
    t.match(await host.cli('backup', 'verify', '--sample'), {
      exitCode: 0,
      stdout: /^part 1 of 1 of the backup .* is what was backed up: \d+ files, \d+ MB read$/,
    });
    t.notMatch((await host.cli('status')).stdout, /ALARM/, 'a newer one is good');
    await host.writeFile(file, usual, { mode: '0600', owner: 'root:root' });
  });

  await t.test('cut off, it is taken away by who comes next', async (t) => {
    const start = `setsid orchestrator-update backup verify --restore >/root/v.log 2>&1 </dev/null & echo $!`;
    const pid = (await host.bash(start, { reject: true })).stdout.trim();
    const isUp = `docker ps -q --filter label=com.docker.compose.project=autonomy-verify | grep -q .`;
    await host.bash(`until ${isUp}; do sleep 0.1; done; kill -9 ${pid}`, {
      timeoutSeconds: 60,
      reject: true,
    });
    await host.bash('while pgrep -x docker-compose; do sleep 0.1; done', { timeoutSeconds: 60 });
    t.match(await host.cli('recover'), { exitCode: 0 });
    t.equal(await list('ps -aq --filter label=com.docker.compose.project=autonomy-verify'), '');
    t.equal((await host.bash(`ls -A ${backups} | grep -c '^[.]'`)).stdout.trim(), '0');
    t.same((await takePicture(host)).containers, before.containers);
  });
});
