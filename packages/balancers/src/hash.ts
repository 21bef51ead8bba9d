import type { Endpoint } from "@outrigger/core";

const offset = 0x811c9dc5;
const prime = 0x01000193;

/** FNV-1a over UTF-16 units: the same in every process, and no array is made. Not for secrets. */
export function hashText(text: string, seed: number = offset): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), prime);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), prime);
  }
  return hash >>> 0;
}

/** Hash of host and port, without joining them first. */
export function hashEndpoint({ host, port }: Endpoint): number {
  const hash = Math.imul(hashText(host) ^ (port & 0xff), prime);
  return Math.imul(hash ^ (port >>> 8), prime) >>> 0;
}

/**
 * Weight of an endpoint for a key. Hosts often differ in their last digit only, which FNV carries to
 * few bits: the last steps of MurmurHash3 spread it over all of them.
 */
export function weightOf(keyHash: number, endpointHash: number): number {
  return mixed(mixed(endpointHash) ^ keyHash);
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
