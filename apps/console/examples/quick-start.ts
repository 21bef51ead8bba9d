import { type RunningConsole, startConsole } from "@outrigger/console";

/** Serves the page for the sidecars of this machine and one on another. */
export async function serveConsole(): Promise<RunningConsole> {
  const console = await startConsole({
    port: 0,
    sidecars: ["10.0.0.7:3500"],
    traceUrl: "http://127.0.0.1:9411/zipkin/traces/{traceId}",
  });
  process.stdout.write(`The console is at ${console.url}\n`);
  return console;
}
