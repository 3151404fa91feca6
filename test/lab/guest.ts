import { command, type CommandResult, poll } from './command.ts';
import { leaderOf } from './machine.ts';
import { cgroupOf, filesDir, rootOf } from './paths.ts';

export type GuestOptions = {
  /** Seconds until the command is killed; 60 unless told. Exit code 124 then. */
  timeoutSeconds?: number;
  env?: Record<string, string>;
  /** Text for standard input. */
  input?: string;
  /** A user of the guest; root unless told. */
  user?: string;
  /** Working directory in the guest; the user's home unless told. */
  cwd?: string;
  /** Throw when the exit code is not 0. False unless told: tests look at the code. */
  reject?: boolean;
};

const guestPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The words before a command that make it run as `user` in the guest, with a clean environment. */
export function guestPrefix(options: GuestOptions): string[] {
  const { user = 'root', env = {} } = options;
  const home = user === 'root' ? '/root' : `/home/${user}`;
  const identity = { PATH: guestPath, HOME: home, USER: user, LOGNAME: user, LANG: 'C.UTF-8' };
  const variables = Object.entries({ ...identity, ...env }).map(
    ([key, value]) => `${key}=${value}`,
  );
  const become = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
  const clean = ['env', '-i', '-C', options.cwd ?? home, ...variables];
  return user === 'root' ? clean : [...clean, ...become];
}

/** File and arguments that enter the running guest, for `execa` or `spawn`. */
export async function enterArgs(name: string): Promise<string[]> {
  const leader = await leaderOf(name);
  if (leader === undefined) throw new Error(`${name} is off`);
  return ['sh', `${filesDir}/enter.sh`, `${cgroupOf(name)}/payload`, String(leader)];
}

/** Run one command in the running guest; throws when the machine is off. */
export async function runInGuest(
  name: string,
  file: string,
  args: string[],
  options: GuestOptions = {},
): Promise<CommandResult> {
  return limited([...(await enterArgs(name)), ...guestPrefix(options)], file, args, options);
}

/** Run one command on the machine's files, whether it is on or off. */
export async function runOnFiles(
  name: string,
  file: string,
  args: string[],
  options: GuestOptions = {},
): Promise<CommandResult> {
  if ((await leaderOf(name)) !== undefined) return runInGuest(name, file, args, options);
  return limited(['chroot', rootOf(name), ...guestPrefix(options)], file, args, options);
}

function limited(
  enter: string[],
  file: string,
  args: string[],
  { timeoutSeconds = 60, input, reject = false }: GuestOptions,
): Promise<CommandResult> {
  // the inner limit ends the command in the guest; the outer one is for a guest that hangs as a whole
  const limit = ['timeout', '--kill-after=5', String(timeoutSeconds)];
  const [program = '', ...rest] = [...enter, ...limit, file, ...args];
  return command(program, rest, {
    timeoutSeconds: timeoutSeconds + 10,
    reject,
    ...(input === undefined ? {} : { input }),
  });
}

/** Wait until the guest's systemd says that all these units are active. */
export async function waitForUnits(
  name: string,
  units: string[],
  timeoutSeconds: number,
): Promise<void> {
  let states = '';
  const active = await poll(
    async () => {
      if ((await leaderOf(name)) === undefined) return undefined;
      states = (await runInGuest(name, 'systemctl', ['is-active', ...units])).stdout;
      return states === units.map(() => 'active').join('\n') ? true : undefined;
    },
    { timeoutSeconds, stepMs: 80 },
  );
  if (active !== undefined) return;
  const seen = states.split('\n').join(', ');
  throw new Error(`${name}: ${units.join(', ')} are ${seen} after ${timeoutSeconds} s`);
}
