import { middlewareConformance } from "@outrigger/conformance/vitest";
import { middlewareRouterChecker } from "@outrigger/middleware-router-checker";

middlewareConformance({
  name: "@outrigger/middleware-router-checker",
  setup: () => {
    const create = middlewareRouterChecker({ rule: "^/orders" });
    return {
      subject: {
        create,
        answering: { create, request: { path: "/elsewhere" }, status: 400 },
        malformedOptions: [() => middlewareRouterChecker({ rule: "[" })],
      },
    };
  },
});
