/** How much room a copy of so many bytes needs: filesystems take some for themselves, and a reserve remains. */
export function roomFor(sizeBytes: number, reserveMb: number): number {
  return sizeBytes * 1.05 + reserveMb * 1e6;
}
