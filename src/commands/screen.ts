import { styleText } from 'node:util';

/** Where a text goes. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Cells of a line. */
  readonly columns: number;
  readonly now: Date;
  /** A text in a colour, where there are any: NO_COLOR and FORCE_COLOR are obeyed. */
  readonly paint: (colour: Parameters<typeof styleText>[0], text: string) => string;
}

/** The screen, or the pipe, behind stdout. */
export function openScreen(): Screen {
  return {
    isTerminal: process.stdout.isTTY === true,
    // A terminal that does not know its width says 0.
    columns: process.stdout.columns || 80,
    now: new Date(),
    paint: (colour, text) => styleText(colour, text, { stream: process.stdout }),
  };
}
