import { createLogger } from "@outrigger/logging";

const log = createLogger({ appId: "orders", format: "json", level: "debug", version: "1.18.1" });

log.log("info", "app id: orders");
log.scope("dapr.runtime.http").log("debug", "HTTP API Called", { code: 200, method: "GET /x" });
log.setLevel("error");
