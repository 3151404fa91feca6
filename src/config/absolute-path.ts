import { z } from 'zod';

/** A path from `/` on; slashes at its end are dropped. */
export const absolutePath = z
  .string()
  .regex(/^\/[^\0]*$/, 'an absolute path is expected')
  .overwrite((path) => path.replace(/\/+$/, '') || '/');
