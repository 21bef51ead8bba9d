import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Path of the browser, Debian's package `chromium`.
 * @returns undefined where there is none, and says so. @throws Error in CI, where it must be there.
 */
export function findChromium(): string | undefined {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  const text = "chromium is not installed (apt-get install chromium)";
  if (process.env.CI === "true") throw new Error(text);
  console.warn(`SKIPPED: the console in a browser: ${text}`);
  return undefined;
}
