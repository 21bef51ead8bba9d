import type { ProtoReader } from "./proto-reader.ts";
import type { ProtoWriter } from "./proto-writer.ts";

/** Writes `map<string, string>`. */
export function writeStringMap(
  writer: ProtoWriter,
  field: number,
  map: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(map)) {
    const mark = writer.begin(field, key.length + value.length + 4);
    writer.text(1, key);
    writer.text(2, value);
    writer.end(mark);
  }
}

/** Reads one entry of `map<string, string>` into the map. */
export function readStringMapEntry(reader: ProtoReader, map: Record<string, string>): void {
  const [key, value] = reader.message(readEntry);
  // Assignment to `__proto__` would change the object instead of adding a key.
  Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
}

function readEntry(reader: ProtoReader): readonly [string, string] {
  let key = "";
  let value = "";
  while (reader.next()) {
    if (reader.tag === 10) key = reader.text();
    else if (reader.tag === 18) value = reader.text();
    else reader.skip();
  }
  return [key, value];
}
