import { type RunningConsole, startConsole } from "@outrigger/console";
import { errorText } from "@outrigger/core";
import { readDemoOptions } from "./demo-options.ts";
import {
  checkoutApp,
  type DemoEnvironment,
  type DemoPlan,
  packagedDaprd,
  planDemo,
  processorApp,
  sidecar,
} from "./demo-plan.ts";
import { type DemoCommand, DemoProcess } from "./demo-process.ts";
import { findPython } from "./find-python.ts";
import { OrderLog, type OrderSummary } from "./order-log.ts";
import { waitUntilHealthy } from "./wait-until-healthy.ts";

/** Where the demo prints and what it starts; tests replace parts of it. */
export interface DemoSurroundings {
  /** Takes the demo's text. Default standard output. */
  readonly stdout?: (text: string) => void;
  /** Takes messages about failures. Default standard error. */
  readonly stderr?: (text: string) => void;
  /** Default the environment of this process. */
  readonly env?: DemoEnvironment;
  /** Script of the sidecar. Default the one in this package. */
  readonly daprd?: string;
  /** Ends the demo. Default the signals of a terminal. */
  readonly signal?: AbortSignal;
  /** How long the sidecars may take to become ready. Default 30000. */
  readonly readyTimeoutMs?: number;
}

/**
 * Starts two apps and their sidecars, sends orders from one to the other, and ends everything.
 * Returns the exit code: 0 when every order arrived.
 */
export async function runDemo(
  argv: readonly string[],
  surroundings: DemoSurroundings = {},
): Promise<number> {
  const stdout = surroundings.stdout ?? ((text) => process.stdout.write(text));
  const stderr = surroundings.stderr ?? ((text) => process.stderr.write(text));
  const commandLine = readDemoOptions(argv);
  if (commandLine.kind === "exit") {
    (commandLine.exitCode === 0 ? stdout : stderr)(commandLine.text);
    return commandLine.exitCode;
  }
  const interrupt = surroundings.signal === undefined ? listenForSignals() : undefined;
  const demo = new Demo({
    ...commandLine,
    print: (line) => stdout(`${line}\n`),
    env: surroundings.env ?? process.env,
    daprd: surroundings.daprd ?? packagedDaprd,
    readyTimeoutMs: surroundings.readyTimeoutMs ?? 30_000,
    signal: surroundings.signal ?? (interrupt as Interrupt).signal,
  });
  try {
    return await demo.run();
  } catch (reason) {
    stderr(`demo: ${errorText(reason)}\n`);
    return 1;
  } finally {
    await demo.stop();
    interrupt?.close();
  }
}

interface Interrupt {
  readonly signal: AbortSignal;
  close(): void;
}

function listenForSignals(): Interrupt {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error("interrupted"));
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, abort);
  return {
    signal: controller.signal,
    close: () => {
      for (const name of signals) process.off(name, abort);
    },
  };
}

interface DemoSettings {
  readonly orders: number;
  readonly keep: boolean;
  readonly print: (line: string) => void;
  readonly env: DemoEnvironment;
  readonly daprd: string;
  readonly readyTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Time that the sender gets in all: its own limit is 10 s per order. */
const sendingLimitMs = 60_000;
const sendingLimitPerOrderMs = 1_000;

class Demo {
  readonly #settings: DemoSettings;
  readonly #processes: DemoProcess[] = [];
  #console: RunningConsole | undefined;

  constructor(settings: DemoSettings) {
    this.#settings = settings;
  }

  async run(): Promise<number> {
    const { env, keep, orders, print, signal } = this.#settings;
    const [plan, python] = await Promise.all([planDemo(), findPython(env)]);
    if (python === undefined) print("No python3 found: checkout runs on Node.js instead.");
    const language = python === undefined ? "node" : "python";
    const log = new OrderLog(plan, language);
    this.#announce(plan, language);
    const services = this.#startServices(plan, log);
    await this.#ready(plan, services);
    await this.#serveConsole(plan);
    print(`\nBoth sidecars are ready. Sending ${orders} orders.\n`);
    const sender = this.#start(checkoutApp(plan, orders, python, env), (line) => {
      const text = log.sent(line);
      if (text !== undefined) print(text);
    });
    await this.#sent(sender, services);
    await settled(() => log.summary().arrived + log.summary().failed >= orders);
    const good = this.#summarize(log.summary(), sender);
    if (keep) await this.#keepRunning(plan, services);
    else signal.throwIfAborted();
    return good ? 0 : 1;
  }

  /** Ends whatever was started and still runs; at most about five seconds. */
  async stop(): Promise<void> {
    await Promise.all([this.#console?.close(), ...this.#processes.map((child) => child.stop())]);
  }

  #announce(plan: DemoPlan, language: string): void {
    const { print } = this.#settings;
    print(
      "Outrigger demo: an app in one language calls an app in another, through two sidecars.\n",
    );
    print(`  order-processor   node app on port ${plan.appPort}`);
    print(
      `  its sidecar       ${plan.processorId}: HTTP ${plan.processor.http}, ` +
        `gRPC ${plan.processor.grpc}, internal ${plan.processor.internal}`,
    );
    print(
      `  its caller's      ${plan.checkoutId}: HTTP ${plan.checkout.http}, ` +
        `gRPC ${plan.checkout.grpc}, internal ${plan.checkout.internal}`,
    );
    print(`  checkout          ${language} app that sends the orders`);
  }

  #startServices(plan: DemoPlan, log: OrderLog): readonly DemoProcess[] {
    const { daprd, env } = this.#settings;
    return [
      this.#start(processorApp(plan, env), (line) => log.received(line)),
      this.#start(sidecar(daprd, plan.processorId, plan.processor, plan.appPort, env)),
      this.#start(sidecar(daprd, plan.checkoutId, plan.checkout, undefined, env)),
    ];
  }

  #start(command: DemoCommand, onLine?: (line: string) => void): DemoProcess {
    const child = new DemoProcess(command, onLine);
    this.#processes.push(child);
    return child;
  }

  async #ready(plan: DemoPlan, services: readonly DemoProcess[]): Promise<void> {
    const { readyTimeoutMs, signal } = this.#settings;
    const limit = new AbortController();
    const bounded = AbortSignal.any([signal, limit.signal]);
    const timer = setTimeout(() => limit.abort(), readyTimeoutMs);
    const waits = [plan.processor, plan.checkout].map(({ http }) =>
      waitUntilHealthy(http, bounded),
    );
    try {
      await Promise.race([Promise.all(waits), ...services.map(failWhenEnded)]);
    } catch (reason) {
      if (!limit.signal.aborted) throw reason;
      const outputs = services.map((child) => `${child.title}:\n${child.lastWords}`);
      throw new Error(
        `the sidecars were not ready within ${readyTimeoutMs} ms\n${outputs.join("\n")}`,
      );
    } finally {
      clearTimeout(timer);
      limit.abort();
      await Promise.allSettled(waits);
    }
  }

  /** The orders go out without a page as well. */
  async #serveConsole(plan: DemoPlan): Promise<void> {
    const { env, print } = this.#settings;
    const sidecars = [plan.processor, plan.checkout].map(({ http }) => `127.0.0.1:${http}`);
    const apiToken = env.DAPR_API_TOKEN ? { apiToken: env.DAPR_API_TOKEN } : {};
    try {
      this.#console = await startConsole({ port: 0, findLocal: false, sidecars, ...apiToken });
      print(
        `\nWatch the calls at ${this.#console.url} while this runs (--keep leaves it running).`,
      );
    } catch (reason) {
      print(`\nThere is no page to watch the calls: ${errorText(reason)}`);
    }
  }

  async #sent(sender: DemoProcess, services: readonly DemoProcess[]): Promise<void> {
    const { orders, signal } = this.#settings;
    const limitMs = sendingLimitMs + orders * sendingLimitPerOrderMs;
    const limit = new AbortController();
    const tooSlow = new Error(`the orders were not sent within ${limitMs} ms`);
    const timer = setTimeout(() => limit.abort(tooSlow), limitMs);
    const ends = [sender.ended, rejectOnAbort(AbortSignal.any([signal, limit.signal]))];
    try {
      await Promise.race([...ends, ...services.map(failWhenEnded)]);
    } finally {
      clearTimeout(timer);
    }
  }

  #summarize({ arrived, failed, medianMs }: OrderSummary, sender: DemoProcess): boolean {
    const { orders, print } = this.#settings;
    print(`\n${arrived} of ${orders} orders arrived, half of them within ${medianMs} ms.`);
    const good = arrived === orders && failed === 0 && sender.exitCode === 0;
    if (!good) {
      print("\nThe last output of each process:");
      for (const child of this.#processes) print(`${child.title}:\n${child.lastWords}`);
    }
    return good;
  }

  async #keepRunning(plan: DemoPlan, services: readonly DemoProcess[]): Promise<void> {
    const { print, signal } = this.#settings;
    const api = `http://127.0.0.1:${plan.checkout.http}`;
    const order = `-H 'content-type: application/json' -d '{"orderId": 42}'`;
    print("\nEverything keeps running. Try, from another terminal:\n");
    print(`  curl ${api}/v1.0/invoke/${plan.processorId}/method/neworder ${order}`);
    print(`  curl -H 'dapr-app-id: ${plan.processorId}' ${api}/neworder ${order}`);
    print(`  curl ${api}/v1.0/metadata`);
    print("\nCtrl-C ends it all.");
    try {
      await Promise.race([rejectOnAbort(signal), ...services.map(failWhenEnded)]);
    } catch (reason) {
      // Being interrupted is how this is meant to end; a process that ends by itself is not.
      if (!signal.aborted) throw reason;
    }
  }
}

/** Rejects as soon as the process ends: the services of the demo never end by themselves. */
async function failWhenEnded(child: DemoProcess): Promise<never> {
  const ending = await child.ended;
  throw new Error(`${child.title} ended (${ending}). Its last output:\n${child.lastWords}`);
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** Gives the receiver's last line a moment: it comes through another pipe than the sender's. */
async function settled(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100 && !done(); turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
