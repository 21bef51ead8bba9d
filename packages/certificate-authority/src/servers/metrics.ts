import type { RequestListener } from "node:http";

/** Answers every path with the metrics, as Dapr does. */
export function metricsHandler(render: () => string): RequestListener {
  return (_request, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(render());
  };
}
