/**
 * The value of a key that a record has of its own: a service may be called `constructor`, and every
 * object inherits one of those.
 */
export function own<Value>(
  record: Readonly<Record<string, Value>> | undefined,
  key: string,
): Value | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
