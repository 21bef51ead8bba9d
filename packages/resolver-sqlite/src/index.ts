export { sqliteOptionsFromDapr } from "./dapr-options.ts";
export type { ResolverSqliteOptions } from "./options.ts";
export { resolverSqlite, resolverSqlite as resolver } from "./resolver-sqlite.ts";
