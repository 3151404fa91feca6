import { z } from 'zod';
import { absolutePath } from './absolute-path.ts';

export const reportSchema = z
  .strictObject({
    path: absolutePath
      .optional()
      .describe(
        'A file that is the report as a web page, such as `/var/www/html/update.html`; made anew after each run that did something. Its directory must be there. Default: none.',
      ),
  })
  .prefault({})
  .describe('The report of the last runs: docs/report.md.');

export const metricsSchema = z
  .strictObject({
    path: absolutePath
      .refine((path) => path.endsWith('.prom'), 'a file whose name ends with .prom is expected')
      .optional()
      .describe(
        'A file of metrics for the textfile collector of node_exporter, such as `/var/lib/prometheus/node-exporter/orchestrator-update.prom`; made anew after each run. Its directory must be there. Default: none.',
      ),
  })
  .prefault({})
  .describe('Metrics for Prometheus: docs/report.md.');
