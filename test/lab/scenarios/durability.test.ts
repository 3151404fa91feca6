import t from 'tap';
import { callsIn, type Call } from '../../support/system-calls.ts';
import { versions } from '../cluster-view.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { allAt, expectUpdate } from '../picture.ts';

const state = '/var/lib/orchestrator-update';
const traced =
  'write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,execve';

/** A run from a shell under strace; what it and all it started called, in order. */
async function traceRun(host: InstalledHost): Promise<{ exitCode: number; calls: Call[] }> {
  const strace = ['-f', '-y', '-s', '200', '-e', `trace=${traced}`, '-o', '/root/trace'];
  const run = await host.run('strace', [...strace, 'orchestrator-update', 'run'], {
    timeoutSeconds: 120,
  });
  return { exitCode: run.exitCode, calls: callsIn(await host.readFile('/root/trace')) };
}

/** A program that is started, or an order to Docker: what must not happen before a record of it is on the disk. */
function isEffect({ name, args }: Call): boolean {
  if (name === 'execve') return /"[^"]*\/(docker|git|rsync|sync)"/.test(args);
  return /^(write|send)/.test(name) && /socket:.*"(POST|DELETE|PUT) /.test(args);
}

/** Every record that was not on the disk at the next effect: what it is and what came too early. */
function tooEarly(calls: readonly Call[]): { records: number; early: string[] } {
  const early: string[] = [];
  const pending = new Map<string, string>();
  let records = 0;
  for (const call of calls) {
    const { name, args } = call;
    const file = /^\d+<([^>]+)>/.exec(args)?.[1] ?? '';
    if (isEffect(call)) {
      for (const [path, want] of pending)
        early.push(`${path} (${want}) at ${name}(${args.slice(0, 90)}`);
      pending.clear();
    } else if (
      /^p?write/.test(name) &&
      file.startsWith(`${state}/`) &&
      !/\/(lock|reserve)/.test(file)
    ) {
      records += 1;
      pending.set(file, 'not synced');
    } else if (name.startsWith('f') && pending.has(file)) {
      if (file.endsWith('.new')) pending.set(file, 'not renamed');
      else pending.delete(file);
    } else if (name.startsWith('rename') && args.includes(`"${state}/`)) {
      const [, from = '', to = ''] = /"([^"]+)"[^"]*"([^"]+)"/.exec(args) ?? [];
      if (pending.get(from) === 'not synced') early.push(`${from} renamed before it was synced`);
      pending.delete(from);
      pending.set(to, 'its directory is not synced');
    } else if (name === 'fsync') {
      for (const path of pending.keys())
        if (path.slice(0, path.lastIndexOf('/')) === file) pending.delete(path);
    }
  }
  return { records, early };
}

await t.test(
  'of a whole run, every record is on the disk before what comes after it',
  async (t) => {
    const host = await startInstalled();
    t.teardown(() => host.destroy());
    await expectUpdate(t, host, 0);

    await t.test('forwards', async (t) => {
      await host.pushCluster({ tag: 'v2' });
      const { exitCode, calls } = await traceRun(host);
      t.equal(exitCode, 0);
      const { records, early } = tooEarly(calls);
      t.same(early, []);
      t.ok(records > 12, `${records} records`);
      t.ok(calls.filter(isEffect).length > 20, 'effects are seen');
      t.same(await versions(host), allAt('v2'));
    });

    await t.test('and back', async (t) => {
      await host.pushCluster({
        tag: 'v3',
        services: { knowledge: { tag: 'v3', mode: 'unhealthy' } },
      });
      const { exitCode, calls } = await traceRun(host);
      t.equal(exitCode, 12);
      const { records, early } = tooEarly(calls);
      t.same(early, []);
      t.ok(records > 16, `${records} records`);
      t.same(await versions(host), allAt('v2'));
    });
  },
);
