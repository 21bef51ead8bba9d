import { middlewareConformance } from "@outrigger/conformance/vitest";
import { middlewareStamp } from "./stamp.ts";

middlewareConformance({
  name: "my-stamp",
  setup: () => {
    const create = middlewareStamp({ value: "seen" });
    return {
      subject: {
        create,
        answering: { create, request: { path: "/closed" }, status: 403 },
        malformedOptions: [() => middlewareStamp({ value: "" })],
      },
    };
  },
});
