#!/usr/bin/env node
import { runCli } from './cli.ts';

// Not `process.exitCode`: a child of a git that timed out (ssh waiting for its peer) may hold our
// pipes for another minute. Whatever was written has left: writes to files, pipes and terminals are
// synchronous here. Not `await`: installed, this is CommonJS (see install/bundle.ts).
void runCli(process.argv.slice(2)).then((exitCode) => process.exit(exitCode));
