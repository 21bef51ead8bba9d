import { execFile } from "node:child_process";

const patienceMs = 5_000;

/** Name of a working Python 3 on the path; `undefined` when there is none. */
export function findPython(
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const args = ["-c", "import sys; sys.exit(sys.version_info < (3, 6))"];
    execFile("python3", args, { env, timeout: patienceMs }, (error) => {
      resolve(error === null ? "python3" : undefined);
    });
  });
}
