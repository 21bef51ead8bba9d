import { decodeStatus, ProtoReader } from "@outrigger/protocol";
import { expect, test } from "vitest";
import { startIngress, unary } from "./stand-in.ts";

const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/** `list_services: "x"`. */
const listServices = Uint8Array.of(0x3a, 1, 0x78);
const symbol = Uint8Array.of(0x22, 1, 0x78);

/** Text of the fields of one number, one level down. */
function field(bytes: Uint8Array, number: number): Uint8Array[] {
  const reader = new ProtoReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.next()) {
    if (reader.tag >>> 3 === number) found.push(reader.bytes());
    else reader.skip();
  }
  return found;
}

test("reflection lists Dapr's services where tracing is off", async () => {
  const { port } = await startIngress({}, { tracing: false });
  const got = await unary(port, path, listServices);
  expect(got.code).toBe(0);
  const answer = got.data ?? new Uint8Array(0);
  expect(Buffer.from(field(answer, 2)[0] ?? [])).toEqual(Buffer.from(listServices));
  const names = field(field(answer, 6)[0] ?? answer, 1).map((each) =>
    Buffer.from(field(each, 1)[0] ?? []).toString(),
  );
  expect(names).toEqual([
    "TaskHubSidecarService",
    "dapr.proto.runtime.v1.Dapr",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
  ]);
  const unknown = await unary(port, path.replace("v1.", "v1alpha."), symbol);
  expect(unknown.code).toBe(0);
  expect(decodeStatus(field(unknown.data ?? answer, 7)[0] ?? answer).code).toBe(5);
});

test("with tracing, reflection needs a target as in Dapr, and is not proxied to it", async () => {
  const { port } = await startIngress({});
  expect((await unary(port, path, listServices)).code).toBe(2);
  expect((await unary(port, path, listServices, ["dapr-app-id", "x"])).code).toBe(0);
});

test("workflow SDKs are told that workflows are not offered", async () => {
  const { port } = await startIngress({});
  const got = await unary(port, "/TaskHubSidecarService/GetWorkItems", new Uint8Array(0));
  expect(got).toMatchObject({ code: 12 });
  expect(got.message).toContain("workflow");
});
