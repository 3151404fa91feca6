import { existsSync } from 'node:fs';
import { command, succeeds } from './command.ts';
import { bridge, netns } from './paths.ts';

/** What to put before a command to run it in the lab's network. `ip netns exec` would hide /sys/fs/cgroup. */
export const inLabNetwork: readonly string[] = [`--net=/run/netns/${netns}`, '--'];

/** Run a command of the outer machine in the lab's network namespace. */
export function networkCommand(file: string, args: string[], reject = true) {
  return command('nsenter', [...inLabNetwork, file, ...args], { reject });
}

/**
 * A namespace of its own with one bridge, 10.77.0.1/24, and no route out: a FORWARD policy or a firewall of the outer
 * machine cannot reach in, and no test can reach out.
 */
export async function raiseNetwork(): Promise<void> {
  if (!existsSync(`/run/netns/${netns}`)) await command('ip', ['netns', 'add', netns]);
  await networkCommand('ip', ['link', 'set', 'lo', 'up']);
  if (!(await succeeds('nsenter', [...inLabNetwork, 'ip', 'link', 'show', bridge]))) {
    const add = ['link', 'add', bridge, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0'];
    await networkCommand('ip', add);
    await networkCommand('ip', ['addr', 'add', '10.77.0.1/24', 'dev', bridge]);
    await networkCommand('ip', ['link', 'set', bridge, 'up']);
  }
  for (const table of ['iptables', 'ip6tables']) {
    await networkCommand('sysctl', ['-qw', `net.bridge.bridge-nf-call-${table}=0`], false);
  }
}

/** Remove the namespace and everything in it. */
export async function lowerNetwork(): Promise<void> {
  if (existsSync(`/run/netns/${netns}`)) await command('ip', ['netns', 'del', netns]);
}

/** Pull the host's network cable, or put it back. The guest sees its link go down. */
export async function setCable(name: string, state: 'up' | 'down'): Promise<void> {
  await networkCommand('ip', ['link', 'set', `vb-lab-${name}`, state]);
}

/** Swallow every packet of the host while its link stays up, or stop doing so. */
export async function setBlackhole(name: string, on: boolean): Promise<void> {
  await networkCommand('bridge', ['link', 'set', 'dev', `vb-lab-${name}`, 'state', on ? '0' : '3']);
}

/** Remove the cable of a machine that is off; it may already be gone. */
export async function removeCable(name: string): Promise<void> {
  await networkCommand('ip', ['link', 'del', `vb-lab-${name}`], false);
}
