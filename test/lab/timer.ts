import type { InstalledHost } from './installed-host.ts';

export const timer = 'orchestrator-update.timer';

/** Has the timer fire every few seconds and starts it. Ten starts within 40 minutes are allowed. */
export async function startTimer(host: InstalledHost, everySeconds: number): Promise<void> {
  const dropIn = [
    '[Timer]',
    'OnCalendar=',
    `OnCalendar=*:*:0/${everySeconds}`,
    'RandomizedDelaySec=0',
    '',
  ];
  await host.writeFile(`/etc/systemd/system/${timer}.d/50-lab.conf`, dropIn.join('\n'));
  await host.run('systemctl', ['daemon-reload'], { reject: true });
  await host.run('systemctl', ['start', timer], { reject: true });
}
