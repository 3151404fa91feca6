import { existsSync } from 'node:fs';

/** Whether systemd runs here, as sd_booted(3) has it. In a container it does not: nobody is asked to restart Docker. */
export const systemdRuns = (): boolean => existsSync('/run/systemd/system');
