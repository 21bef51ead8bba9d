import type { RequestListener } from "node:http";

/** Answers `/healthz`: 200 when every target is ready, else 503; both without a body. */
export function healthHandler(targets: () => ReadonlyMap<string, boolean>): RequestListener {
  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0];
    const healthy = [...targets().values()].every((ready) => ready);
    response.statusCode = path !== "/healthz" ? 404 : healthy ? 200 : 503;
    response.end();
  };
}
