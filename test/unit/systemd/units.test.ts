import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const directory = resolve(import.meta.dirname, '../../../systemd');
const read = (name: string) => readFileSync(join(directory, name), 'utf8');
const update = read('orchestrator-update.service');
const recover = read('orchestrator-update-recover.service');
const timer = read('orchestrator-update.timer');

/** The settings of a unit file, comments left out. */
const settings = (text: string) => text.split('\n').filter((line) => /^[A-Z]\w*=/.test(line));
const sandbox = (text: string) => /# --- sandbox[^]*# --- end of sandbox ---/.exec(text)?.[0];

await t.test('both services have the same sandbox', async (t) => {
  t.ok(sandbox(update));
  t.equal(sandbox(update), sandbox(recover));
});

await t.test('no unit is stopped with docker, which it restarts, or starts it', async (t) => {
  for (const text of [update, recover]) {
    t.notMatch(settings(text).join('\n'), /^(Requires|Requisite|BindsTo|PartOf|Upholds)=/m);
    // What a person has stopped is not started by a timer.
    t.notMatch(settings(text).join('\n'), /^Wants=.*docker/m);
    t.match(settings(text).join('\n'), /^After=docker\.service docker\.socket/m);
  }
});

await t.test('a blocking start survives a crash of the updater', async (t) => {
  for (const text of [update, recover]) {
    const all = settings(text);
    for (const line of ['Type=notify', 'Restart=on-abnormal', 'RestartMode=direct', 'UMask=0022']) {
      t.ok(all.includes(line), line);
    }
    t.notOk(all.some((line) => line.startsWith('RemainAfterExit=')));
  }
});

await t.test('recovery needs no network, and runs with Docker and after a failure', async (t) => {
  t.notMatch(settings(recover).join('\n'), /network/);
  t.ok(settings(recover).includes('WantedBy=multi-user.target docker.service'));
  t.ok(settings(update).includes('OnFailure=orchestrator-update-recover.service'));
});

await t.test('enabling the timer starts nothing', async (t) => {
  t.notMatch(settings(timer).join('\n'), /^(OnBootSec|OnStartupSec|OnActiveSec)=/m);
});

await t.test('the engine is seen to before Docker is waited for', async (t) => {
  const all = settings(read('orchestrator-engine.service'));
  // A new dockerd that hangs never starts, and nothing that is ordered after it does.
  t.notMatch(all.join('\n'), /^(After|Requires|Wants|BindsTo)=.*docker/m);
  for (const line of ['Type=oneshot', 'Restart=on-abnormal', 'TimeoutStartSec=infinity']) {
    t.ok(all.includes(line), line);
  }
  t.ok(all.includes('WantedBy=multi-user.target'));
});

await t.test(
  'a start of Docker is watched whoever asks for it, and waits for nobody',
  async (t) => {
    const all = settings(read('orchestrator-engine-watch.service'));
    t.notMatch(all.join('\n'), /^(After|Before|Requires|Wants|BindsTo)=.*(docker|orchestrator)/m);
    // Which is also when systemd starts one again that has died.
    for (const line of ['WantedBy=docker.service', 'Type=exec', 'Restart=on-abnormal']) {
      t.ok(all.includes(line), line);
    }
  },
);
