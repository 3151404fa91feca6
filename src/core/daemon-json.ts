/**
 * What a text of daemon.json says; dockerd takes an empty one, and a mark of its encoding, too.
 *
 * @throws {SyntaxError} where dockerd would refuse it, too
 */
export function settingsIn(text: string | undefined): Record<string, unknown> {
  const plain = (text ?? '').replace(/^\uFEFF/, '').trim();
  return plain === '' ? {} : (JSON.parse(plain) as Record<string, unknown>);
}
