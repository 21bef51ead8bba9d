/**
 * A stream's write callback that tells when the system has taken the bytes. After a failure it stays
 * silent: who knows what still refers to them.
 */
export function sentHook(
  bytes: Uint8Array,
  onSent: ((bytes: Uint8Array) => void) | undefined,
): ((error: Error | null | undefined) => void) | undefined {
  if (onSent === undefined) return undefined;
  return (error) => {
    if (error === null || error === undefined) onSent(bytes);
  };
}
