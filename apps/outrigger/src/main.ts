import { PRODUCT_VERSION } from "./flags/version.ts";

const usage = `outrigger ${PRODUCT_VERSION}: service-invocation sidecar, compatible with Dapr

Usage: outrigger <command> [arguments]

Commands:
  sidecar   run a sidecar in the foreground; takes the flags of daprd (sidecar --help lists them)
  sentry    run a certificate authority; takes the flags of Dapr's Sentry (sentry --help lists them)
  resolve   show what each name resolver answers for an app (resolve --help)
  console   a web page that draws who calls whom, how fast, and what fails (console --help)
  demo      a Python app calls a Node app through two sidecars (demo --help)
  version   print the version
  help      print this text
`;

/**
 * Runs the program under the name it was called by and sets the exit code.
 * @param program `daprd` and `sentry` take their flags directly, `outrigger` takes a command first.
 */
export async function main(
  program: "outrigger" | "daprd" | "sentry",
  argv: readonly string[],
): Promise<void> {
  process.exitCode = await { outrigger: command, daprd: sidecar, sentry }[program](argv);
}

async function command([name, ...rest]: readonly string[]): Promise<number> {
  switch (name) {
    case "sidecar":
      return sidecar(rest);
    case "sentry":
      return sentry(rest);
    case "resolve": {
      const { runResolve } = await import("./resolve/run-resolve.ts");
      return runResolve(rest, process.env);
    }
    case "console": {
      const { runConsole } = await import("./console/run-console.ts");
      return runConsole(rest, process.env);
    }
    case "demo": {
      const { runDemo } = await import("./demo/run-demo.ts");
      return runDemo(rest);
    }
    case "version":
    case "--version":
      console.log(PRODUCT_VERSION);
      return 0;
    case undefined:
    case "help":
    case "--help":
    case "-h":
      console.log(usage);
      return name === undefined ? 2 : 0;
    default:
      console.error(`outrigger: unknown command "${name}"\n\n${usage}`);
      return 2;
  }
}

async function sidecar(argv: readonly string[]): Promise<number> {
  const { runSidecar } = await import("./sidecar/run-sidecar.ts");
  return runSidecar(argv, process.env);
}

async function sentry(argv: readonly string[]): Promise<number> {
  const { runSentry } = await import("./sentry/run-sentry.ts");
  return runSentry(argv, process.env);
}
