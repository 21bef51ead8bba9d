import { OutriggerError } from "@outrigger/core";

/** Dapr has settings of its own for these, and refuses them in the connection string. */
const forbiddenPragmas = ["busy_timeout", "journal_mode", "foreign_keys"];

/**
 * Path of the database that a connection string of Dapr's names: `data.db`, `file:data.db?...`,
 * `file:///data.db`, `:memory:`. What else is in it are settings of Dapr's SQLite driver.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`
 */
export function databasePath(connectionString: string): string {
  if (/^(?:file:)?:memory:/i.test(connectionString)) return ":memory:";
  const mark = connectionString.indexOf("?");
  const query = new URLSearchParams(mark > 0 ? connectionString.slice(mark + 1) : "");
  checkQuery(query);
  if (query.get("mode") === "memory") return ":memory:";
  const location = mark > 0 ? connectionString.slice(0, mark) : connectionString;
  if (!/^file:/i.test(location)) return location;
  // https://www.sqlite.org/uri.html: an authority is empty or localhost, escapes are decoded.
  const path = location.slice("file:".length).replace(/^\/\/(?:localhost)?(?=\/)/i, "");
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function checkQuery(query: URLSearchParams): void {
  for (const pragma of query.getAll("_pragma")) {
    const forbidden = forbiddenPragmas.find((one) => pragma.toLowerCase().startsWith(one));
    if (forbidden !== undefined) {
      throw invalid(`found forbidden option '_pragma=${forbidden}' in the connection string`);
    }
  }
  if (query.get("mode") === "ro" || query.get("immutable") === "1") {
    throw invalid("the database cannot be read-only: the sidecar registers itself in it");
  }
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
