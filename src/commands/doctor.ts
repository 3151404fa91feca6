import { styleText } from 'node:util';
import type { Invocation } from '../command-table.ts';
import { examine, type Finding } from '../doctor.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';

/** `doctor`: each thing the program needs, found or not, and the command that mends it. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const findings = await examine(invocation);
  const text = invocation.json
    ? JSON.stringify(findings, undefined, 2)
    : findings.map(line).join('\n');
  process.stdout.write(`${text}\n`);
  return findings.some(({ state }) => state === 'missing') ? exitCodes.failed : exitCodes.done;
}

function line({ state, subject, detail, mend }: Finding): string {
  const mark = {
    ok: styleText('green', '✓'),
    warning: styleText('yellow', '⚠'),
    missing: styleText('red', '✗'),
  }[state];
  return `${mark} ${subject}: ${detail}${mend === undefined ? '' : `\n    → ${mend}`}`;
}
