import type { Telemetry } from "./telemetry.ts";

/**
 * Joins listeners into one that has exactly the methods that somebody listens with, so that nothing
 * else costs anything. Nobody listening gives `undefined`, which the pipeline skips.
 */
export function joinTelemetry(listeners: readonly Telemetry[]): Telemetry | undefined {
  if (listeners.length < 2) return listeners[0];
  return {
    ...joinTokens(listeners),
    ...joinEach(listeners, "sent"),
    ...joinEach(listeners, "answered"),
    ...joinEach(listeners, "judged"),
    ...joinEach(listeners, "received"),
    ...joinEach(listeners, "replied"),
  };
}

type Plain = "sent" | "answered" | "judged" | "received" | "replied";

/** An event without a token. */
function joinEach(listeners: readonly Telemetry[], name: Plain): Telemetry {
  const those = listeners.filter((listener) => listener[name] !== undefined);
  const [only] = those;
  if (only === undefined) return {};
  const tell = (...args: never[]): void => {
    for (const listener of those) {
      (listener[name] as (...args: never[]) => void).apply(listener, args);
    }
  };
  return { [name]: tell };
}

/** The events that pass tokens on. With one listener its own token does, else a list of all. */
function joinTokens(all: readonly Telemetry[]): Telemetry {
  const listeners = all.filter(
    ({ started, resolved, retried, denied, finished }) =>
      (started ?? resolved ?? retried ?? denied ?? finished) !== undefined,
  );
  const [only] = listeners;
  if (only === undefined) return {};
  if (listeners.length === 1) return tokenEvents(only);
  return {
    started: (side, call) => listeners.map((listener) => listener.started?.(side, call)),
    resolved: (tokens, target, endpoint) => {
      listeners.forEach((listener, index) => {
        listener.resolved?.((tokens as unknown[])[index], target, endpoint);
      });
    },
    retried: (tokens, reason, delayMs) => {
      listeners.forEach((listener, index) => {
        listener.retried?.((tokens as unknown[])[index], reason, delayMs);
      });
    },
    denied: (tokens, call, reason) => {
      listeners.forEach((listener, index) => {
        listener.denied?.((tokens as unknown[])[index], call, reason);
      });
    },
    finished: (tokens, call, outcome, failure) => {
      listeners.forEach((listener, index) => {
        listener.finished?.((tokens as unknown[])[index], call, outcome, failure);
      });
    },
  };
}

function tokenEvents(listener: Telemetry): Telemetry {
  return {
    ...(listener.started && { started: listener.started.bind(listener) }),
    ...(listener.resolved && { resolved: listener.resolved.bind(listener) }),
    ...(listener.retried && { retried: listener.retried.bind(listener) }),
    ...(listener.denied && { denied: listener.denied.bind(listener) }),
    ...(listener.finished && { finished: listener.finished.bind(listener) }),
  };
}
