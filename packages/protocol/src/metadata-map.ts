import type { ByteString, HeaderList } from "@outrigger/core";
import type { ProtoReader } from "./proto-reader.ts";
import type { ProtoWriter } from "./proto-writer.ts";

// Up to this many names, comparing each with each is cheaper than building a map.
const smallList = 64;

/**
 * Writes `map<string, ListStringValue>`: one entry per name, in order of first appearance, with all
 * values of the name in their order.
 */
export function writeMetadata(writer: ProtoWriter, field: number, list: HeaderList): void {
  if (list.length > smallList * 2) {
    writeLargeMetadata(writer, field, list);
    return;
  }
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = list[index] as ByteString;
    if (indexOfName(list, name, 0) < index) continue;
    const value = list[index + 1] as ByteString;
    const entry = writer.begin(field, name.length + value.length + 6);
    writer.byteString(1, name);
    const values = writer.begin(2, value.length + 2);
    writer.byteStringElement(1, value);
    let next = indexOfName(list, name, index + 2);
    while (next !== -1) {
      writer.byteStringElement(1, list[next + 1] as ByteString);
      next = indexOfName(list, name, next + 2);
    }
    writer.end(values);
    writer.end(entry);
  }
}

function indexOfName(list: HeaderList, name: ByteString, from: number): number {
  for (let index = from; index + 1 < list.length; index += 2) {
    if (list[index] === name) return index;
  }
  return -1;
}

function writeLargeMetadata(writer: ProtoWriter, field: number, list: HeaderList): void {
  const groups = new Map<ByteString, ByteString[]>();
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = list[index] as ByteString;
    const value = list[index + 1] as ByteString;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [value]);
    else group.push(value);
  }
  for (const [name, values] of groups) {
    const entry = writer.begin(field);
    writer.byteString(1, name);
    const mark = writer.begin(2);
    for (const value of values) writer.byteStringElement(1, value);
    writer.end(mark);
    writer.end(entry);
  }
}

/** Size of the encoded list when every name has one value. */
export function metadataSizeHint(list: HeaderList): number {
  let size = list.length * 5;
  for (const text of list) size += text.length;
  return size;
}

/**
 * Collects the entries of a `map<string, ListStringValue>` while a message is read. A repeated key replaces the
 * earlier entry, as in every map field.
 */
export class MetadataReader {
  /** True once the message had an entry, even one without values. */
  present: boolean;
  readonly #values = new Map<ByteString, ByteString[]>();

  /** @param previous what an earlier occurrence of the same message gave, to merge with. */
  constructor(previous: HeaderList = [], present = false) {
    this.present = present;
    for (let index = 0; index + 1 < previous.length; index += 2) {
      const name = previous[index] as ByteString;
      const value = previous[index + 1] as ByteString;
      const values = this.#values.get(name);
      if (values === undefined) this.#values.set(name, [value]);
      else values.push(value);
    }
  }

  /** Reads the entry at the reader's position. */
  readEntry(reader: ProtoReader): void {
    this.present = true;
    const entry = reader.message(readMapEntry);
    this.#values.set(entry.key, entry.values);
  }

  /** The flat list; a name without values leaves no trace in it. */
  toList(): HeaderList {
    const list: ByteString[] = [];
    for (const [name, values] of this.#values) {
      for (const value of values) list.push(name, value);
    }
    return list;
  }
}

interface MapEntry {
  readonly key: ByteString;
  readonly values: ByteString[];
}

function readMapEntry(reader: ProtoReader): MapEntry {
  let key = "";
  let values: ByteString[] = [];
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        key = reader.byteString();
        break;
      case 18:
        values = reader.message(readStringList, values);
        break;
      default:
        reader.skip();
    }
  }
  return { key, values };
}

function readStringList(reader: ProtoReader, previous: ByteString[] | undefined): ByteString[] {
  const values = previous ?? [];
  while (reader.next()) {
    if (reader.tag === 10) values.push(reader.byteString());
    else reader.skip();
  }
  return values;
}
