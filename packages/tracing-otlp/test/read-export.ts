import type { ArrivedSpan } from "@outrigger/conformance";
import { ProtoReader } from "@outrigger/protocol";

/** Fields by number: bytes as they are, numbers as numbers; what has a fixed width is left out. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | number)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | number)[]>();
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    const number = reader.tag >>> 3;
    const wireType = reader.tag & 7;
    if (wireType !== 0 && wireType !== 2) {
      reader.skip();
      continue;
    }
    const value = wireType === 2 ? reader.bytes() : reader.uint64();
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

function messages(fields: Fields, number: number): readonly Fields[] {
  return (fields.get(number) ?? []).flatMap((value) =>
    typeof value === "number" ? [] : [fieldsOf(value)],
  );
}

function bytesOf(fields: Fields | undefined, number: number): Buffer {
  const value = fields?.get(number)?.[0];
  return Buffer.from(typeof value === "object" ? value : []);
}

function attributesOf(fields: Fields | undefined, number: number): Record<string, string> {
  const pairs = fields === undefined ? [] : messages(fields, number);
  return Object.fromEntries(
    pairs.map((pair) => [bytesOf(pair, 1).toString(), bytesOf(messages(pair, 2)[0], 1).toString()]),
  );
}

/** The spans of an `ExportTraceServiceRequest` of opentelemetry-proto. */
export function readExport(message: Uint8Array): readonly ArrivedSpan[] {
  return messages(fieldsOf(message), 1).flatMap((resourceSpans) => {
    const service = attributesOf(messages(resourceSpans, 1)[0], 1)["service.name"] ?? "";
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => readSpan(span, service));
  });
}

function readSpan(span: Fields, service: string): ArrivedSpan {
  const parent = bytesOf(span, 4).toString("hex");
  return {
    name: bytesOf(span, 5).toString(),
    traceId: bytesOf(span, 1).toString("hex"),
    spanId: bytesOf(span, 2).toString("hex"),
    parentSpanId: parent === "" ? undefined : parent,
    kind: span.get(6)?.[0] === 3 ? "client" : "server",
    service,
    attributes: attributesOf(span, 9),
    failed: messages(span, 15)[0]?.get(3)?.[0] === 2,
  };
}
