import { z } from 'zod';
import { weekdays } from '../schedule.ts';

const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of the day is expected: "02:00"');

/** A maintenance window, in the local time of the host. */
export const windowSchema = z.strictObject({
  days: z.array(z.enum(weekdays)).default([]),
  from: timeOfDay,
  to: timeOfDay,
});
