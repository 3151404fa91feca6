import { poll } from './command.ts';
import { startHost, type LabHost, type StartOptions } from './lab-host.ts';

/** A lab host on which the updater was installed by its own installer. */
export type InstalledHost = LabHost & {
  /** `systemctl start orchestrator-update.service`: exit code, and how long it blocked. */
  update: (timeoutSeconds?: number) => Promise<{ exitCode: number; seconds: number }>;
  /** The exit status systemd saw of the updater's last run, and how the unit stands. */
  unit: () => Promise<{ exitStatus: number; result: string; activeState: string }>;
  /** Everything `journalctl -u orchestrator-update` shows. */
  journal: () => Promise<string>;
  /** The installed command line, as root. */
  cli: (...args: string[]) => Promise<{ exitCode: number; stdout: string; stderr: string }>;
  /** The commit the work tree is at. */
  head: () => Promise<string>;
};

export type InstallOptions = StartOptions & {
  /** More flags for the installer. */
  flags?: readonly string[];
  /** Lines appended to the configuration file; replaces the quick health settings. */
  config?: string;
};

/** Short, so that a scenario takes seconds: nothing in the lab needs longer to start. */
const quickHealth = [
  'health:',
  '  stable_seconds: 2',
  '  unhealthy_seconds: 6',
  '  timeout_seconds: 40',
];

/** Starts a host with the example cluster and installs the updater as the README says. */
export async function startInstalled(options: InstallOptions = {}): Promise<InstalledHost> {
  const { flags = [], config, ...start } = options;
  const host = await startHost({ layout: 'directory', ...start });
  await host.copyRelease();
  const cwd = '/root/orchestrator-update';
  const args = ['--no-timer', ...flags];
  await host.run('./install/install_update_service.sh', args, {
    cwd,
    timeoutSeconds: 120,
    reject: true,
  });
  await writeHealth(host, config);
  return { ...host, ...operations(host) };
}

function operations(host: LabHost): Omit<InstalledHost, keyof LabHost> {
  return {
    update: async (timeoutSeconds = 180) => {
      const startedAt = performance.now();
      // Ten starts in 40 minutes are allowed; a scenario may want more.
      await host.run('systemctl', ['reset-failed', 'orchestrator-update.service']);
      const unit = ['start', 'orchestrator-update.service'];
      const { exitCode } = await host.run('systemctl', unit, { timeoutSeconds });
      return { exitCode, seconds: (performance.now() - startedAt) / 1000 };
    },
    unit: async () => {
      const properties = '--property=ExecMainStatus,Result,ActiveState';
      const show = async (): Promise<Record<string, string>> => {
        const args = ['show', 'orchestrator-update.service', properties];
        const { stdout } = await host.run('systemctl', args);
        return Object.fromEntries(stdout.split('\n').map((line) => line.split('=')));
      };
      // READY=1 ends the start; the process goes a moment later.
      const values =
        (await poll(
          async () => {
            const found = await show();
            return found['ActiveState'] === 'active' ? undefined : found;
          },
          { timeoutSeconds: 5, stepMs: 50 },
        )) ?? (await show());
      return {
        exitStatus: Number(values['ExecMainStatus']),
        result: String(values['Result']),
        activeState: String(values['ActiveState']),
      };
    },
    journal: async () => {
      // What was said last may still be on its way.
      await host.run('journalctl', ['--sync']);
      const args = ['-u', 'orchestrator-update', '--no-pager', '-o', 'cat'];
      return (await host.run('journalctl', args)).stdout;
    },
    cli: (...args) =>
      host.run('/usr/local/sbin/orchestrator-update', args, { timeoutSeconds: 180 }),
    head: async () => {
      const args = ['-C', host.workTree, 'rev-parse', 'HEAD'];
      return (await host.run('git', args, { user: 'geo', reject: true })).stdout.trim();
    },
  };
}

/** The installer writes `health: urls`; the lab adds how long to look. */
async function writeHealth(host: LabHost, config: string | undefined): Promise<void> {
  const path = '/etc/orchestrator-update/update_config.yaml';
  const text = await host.readFile(path);
  const settings = config ?? quickHealth.slice(1).join('\n');
  const merged =
    config === undefined
      ? text.replace(/^health:\n/m, `health:\n${settings}\n`)
      : `${text}\n${config}\n`;
  if (config === undefined && merged === text) throw new Error(`no health section in:\n${text}`);
  await host.writeFile(path, merged, { mode: '0600', owner: 'root:root' });
}
