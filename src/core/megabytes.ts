/** Bytes as a person reads them, in whole MB (10^6 bytes), rounded up. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
