import { RpcCode } from "@outrigger/core";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** Names of gRPC's reflection service; the messages of both versions are the same. */
export const reflectionServices: readonly string[] = [
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
];

/**
 * Answers one `ServerReflectionRequest`: the list of services. Descriptors are not there, so all
 * other questions get NOT_FOUND.
 * @param services full names, in the order in which they are listed.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION`.
 */
export function answerReflection(request: Uint8Array, services: readonly string[]): Uint8Array {
  const { host, lists } = readQuestion(request);
  const writer = new ProtoWriter({ sizeHintBytes: 256 });
  writer.text(1, host);
  writer.bytes(2, request);
  if (lists) {
    const list = writer.begin(6);
    for (const name of services) {
      const service = writer.begin(1);
      writer.text(1, name);
      writer.end(service);
    }
    writer.end(list);
  } else {
    const failure = writer.begin(7);
    writer.int32(1, RpcCode.NOT_FOUND);
    writer.text(2, "descriptors are not offered");
    writer.end(failure);
  }
  return writer.finish();
}

function readQuestion(request: Uint8Array): { readonly host: string; readonly lists: boolean } {
  const reader = new ProtoReader(request);
  let host = "";
  let lists = false;
  while (reader.next()) {
    if (reader.tag === ((1 << 3) | 2)) host = reader.text();
    else {
      if (reader.tag >>> 3 >= 3 && reader.tag >>> 3 <= 7) lists = reader.tag >>> 3 === 7;
      reader.skip();
    }
  }
  return { host, lists };
}
