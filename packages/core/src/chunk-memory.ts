/** Memory of chunks that nobody but the consumer of their body refers to. */
const owned = new WeakSet<ArrayBufferLike>();

/** Smaller ones are not worth the trouble. */
const leastBytes = 4_096;

/**
 * Engines say with this that a chunk's memory is the chunk's alone, so that whoever has copied the
 * bytes may free it. Chunks that share their memory are left as they are.
 * @returns the chunk.
 */
export function ownChunk<Chunk extends Uint8Array>(chunk: Chunk): Chunk {
  if (chunk.byteLength >= leastBytes && fillsItsMemory(chunk)) owned.add(chunk.buffer);
  return chunk;
}

/**
 * Frees the memory of a chunk that an engine owned, at once: garbage collection is due by the number
 * of small objects, not by the megabytes behind them, so bodies in transit would pile up. The chunk
 * is empty afterwards. Other chunks, and Node 20, which cannot do it, are left as they are.
 */
export function freeChunk(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (!fillsItsMemory(chunk) || !owned.delete(buffer)) return;
  if ("transfer" in buffer && typeof buffer.transfer === "function") buffer.transfer(0);
}

/** Says that the bytes of a chunk are needed again: from now on `freeChunk` leaves it as it is. */
export function keepChunk(chunk: Uint8Array): void {
  owned.delete(chunk.buffer);
}

function fillsItsMemory(chunk: Uint8Array): boolean {
  return chunk.byteLength === chunk.buffer.byteLength;
}
