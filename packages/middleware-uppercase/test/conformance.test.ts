import { middlewareConformance } from "@outrigger/conformance/vitest";
import { middlewareUppercase } from "@outrigger/middleware-uppercase";

function upperCased(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
}

middlewareConformance({
  name: "@outrigger/middleware-uppercase",
  setup: () => ({
    subject: {
      create: middlewareUppercase({ direction: "both" }),
      changes: { requestBody: upperCased, answerBody: upperCased },
      malformedOptions: [() => middlewareUppercase({ direction: "up" as "both" })],
    },
  }),
});
