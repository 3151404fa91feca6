import t, { type Test } from 'tap';
import type { CommandEntry, Invocation } from '../../../src/command-table.ts';
import type { Config } from '../../../src/config/schema.ts';
import {
  configWith,
  laterToday,
  shell,
  timer,
  waitingId,
  worldAt,
} from '../../support/approval-world.ts';
import { fakeHost } from '../../support/fake-host.ts';
import { runningRelease, type World } from '../../support/fake-world.ts';

/** What a command printed for programs, and its exit code. */
interface Said {
  readonly stdout: string;
  readonly exitCode: number;
}

/** Runs a command on the fake host, without its lock. */
async function command(
  t: Test,
  world: World,
  name: 'plan' | 'approve' | 'reject',
  call: Partial<Invocation> = {},
  config: Config = configWith(),
): Promise<Said> {
  const host = fakeHost(world);
  const quiet = { print: () => {}, clear: () => {} };
  const notifier = { ready: async () => {}, status: () => {} };
  const context = { host, config, log: host.log, notifier, statusLine: quiet };
  const module = await t.mockImport<Awaited<ReturnType<CommandEntry['load']>>>(
    `../../../src/commands/${name}.ts`,
    {
      '../../../src/commands/context.ts': {
        openDoor: () => ({ notifier, stop: { requestedBy: () => undefined } }),
        openContext: async () => context,
        withLock: (_: Invocation, act: () => Promise<unknown>) => act(),
        isEngineCutOff: () => false,
        readConfig: async () => config,
      },
    },
  );
  const settings = { stateDirectory: t.testdir() };
  const capture = t.capture(process.stdout, 'write');
  const exitCode = await module.run({
    settings: settings as unknown as Invocation['settings'],
    environment: { SUDO_USER: 'geo' },
    flags: {},
    positionals: [],
    json: false,
    ...call,
  });
  const stdout = capture()
    .map(({ args }) => String(args[0]))
    .join('');
  capture.restore();
  return { stdout, exitCode };
}

await t.test('plan has an ID, for people and for programs; the one that waits', async (t) => {
  const world = worldAt('risky');
  const shown = await command(t, world, 'plan');
  t.equal(shown.exitCode, 10);
  await timer(world);
  const id = waitingId(world);
  t.match(shown.stdout, new RegExp(`^plan ${id}$`, 'm'));
  t.match(shown.stdout, new RegExp(`^next: orchestrator-update approve ${id}$`, 'm'));
  const { stdout } = await command(t, world, 'plan', { json: true });
  t.match(JSON.parse(stdout), {
    id,
    hash: new RegExp(`^${id}[0-9a-f]{56}$`),
    policy: { action: 'approve' },
    approved: null,
  });
});

await t.test(
  'approve ID applies it, with the exit code of run; --json says how it ended',
  async (t) => {
    const world = worldAt('risky');
    await timer(world);
    const positionals = [waitingId(world)];
    const { stdout, exitCode } = await command(t, world, 'approve', { positionals, json: true });
    t.equal(exitCode, 0);
    t.match(JSON.parse(stdout), { result: 'updated', exitCode: 0, to: 'risky' });
    t.match(world.said.join('\n'), /geo approves/, 'whom sudo names');
  },
);

await t.test(
  'approve --now in a closed window; without it plan says that it is approved',
  async (t) => {
    const world = worldAt('risky');
    const config = configWith(laterToday(world));
    await timer(world);
    t.equal((await command(t, world, 'approve', {}, config)).exitCode, 0);
    t.equal(runningRelease(world), 'old');
    const shown = await command(t, world, 'plan', {}, config);
    t.match(shown, {
      exitCode: 0,
      stdout: /^approved by geo at 2026-.*: the next run applies it$/m,
    });
    await command(t, world, 'approve', { flags: { now: true } }, config);
    t.equal(runningRelease(world), 'risky');
  },
);

await t.test('plan --force: what is approved only once it was run so', async (t) => {
  const world = worldAt('old');
  const config = configWith({ mode: 'approve' });
  const flags = { force: true };
  await timer(world, config);
  const shown = await command(t, world, 'plan', { flags }, config);
  t.match(shown, { exitCode: 10, stdout: /^next: orchestrator-update run --force$/m });
  t.notMatch(shown.stdout, / approve /);
  t.match(await shell(world, config, true), { result: 'waiting' });
  const id = waitingId(world);
  const next = new RegExp(`^next: orchestrator-update approve ${id}$`, 'm');
  t.match((await command(t, world, 'plan', { flags }, config)).stdout, next);
  const call = { positionals: [id] };
  t.equal((await command(t, world, 'approve', call, config)).exitCode, 0);
});

await t.test('mode notify: plan says who applies it', async (t) => {
  const world = worldAt('safe');
  const config = configWith({ mode: 'notify' });
  const { stdout, exitCode } = await command(t, world, 'plan', {}, config);
  t.equal(exitCode, 0, 'it needs no approval in a shell');
  t.match(
    stdout,
    /the service only tells of it[^]*next: orchestrator-update approve [0-9a-f]{8}$/m,
  );
  const idle = await command(t, worldAt('old'), 'plan', {}, config);
  t.notMatch(idle.stdout, /^plan |approve/m, 'nothing to do has nothing to approve');
});

await t.test('reject ID --reason', async (t) => {
  const world = worldAt('risky');
  await timer(world);
  const call = { positionals: [waitingId(world)], flags: { reason: 'not now' }, json: true };
  const { stdout, exitCode } = await command(t, world, 'reject', call);
  t.equal(exitCode, 0);
  t.match(JSON.parse(stdout), {
    rejected: { commit: 'risky', reason: /rejected by geo on .*: not now/ },
    isQuarantined: true,
  });
  t.match(world.said.join('\n'), /next: push another release to embody-alpha; or: .*--force/);
  const again = worldAt('old');
  await timer(again);
  await shell(again, configWith({ mode: 'approve' }), true);
  await command(t, again, 'reject', { positionals: [waitingId(again)] });
  t.match(again.said.join('\n'), /old is not applied again, and stays deployed: rejected by geo/);
  t.notMatch(again.said.join('\n'), /is quarantined/);
});
