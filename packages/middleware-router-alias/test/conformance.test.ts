import { middlewareConformance } from "@outrigger/conformance/vitest";
import { middlewareRouterAlias } from "@outrigger/middleware-router-alias";

middlewareConformance({
  name: "@outrigger/middleware-router-alias",
  setup: () => ({
    subject: {
      create: middlewareRouterAlias({ routes: { "/hello/{id}": "/v1.0/invoke/a/method/hello" } }),
      passing: { path: "/hello/7" },
      changes: {
        request: (request) => ({
          ...request,
          path: "/v1.0/invoke/a/method/hello",
          query: `${request.query}&id=7`,
        }),
      },
      malformedOptions: [
        () => middlewareRouterAlias({ routes: { hello: "/x" } }),
        () => middlewareRouterAlias({ routes: { "/hello/{id": "/x" } }),
      ],
    },
  }),
});
