import type {
  LoggerSettings,
  LoggerSubject,
  LoggerUnderTest,
  StalledLogger,
} from "@outrigger/conformance";
import type { LogFields, Logger, LogLevel } from "@outrigger/core";

/** A subject that does one thing wrong. */
type Fault = (right: LoggerSubject) => LoggerSubject;
type Log = Logger["log"];

function made(
  wrap: (right: LoggerUnderTest, settings: LoggerSettings) => Partial<LoggerUnderTest>,
): Fault {
  return ({ create, ...rest }) => ({
    ...rest,
    create: (settings) => {
      const right = create(settings);
      return { ...right, ...wrap(right, settings) };
    },
  });
}

/** What is written is wrong, in the form given. */
function written(format: "text" | "json" | "both", change: (text: string) => string): Fault {
  return made((right, settings) => {
    const isMeant = format === "both" || format === settings.format;
    return { written: () => (isMeant ? change(right.written()) : right.written()) };
  });
}

/** Lines are made wrong, in every scope. */
function lines(change: (right: Log, settings: LoggerSettings) => Log): Fault {
  return made(({ logger }, settings) => ({ logger: relogged(logger, settings, change) }));
}

function relogged(
  inner: Logger,
  settings: LoggerSettings,
  change: (right: Log, settings: LoggerSettings) => Log,
): Logger {
  return {
    log: change((level, message, fields) => inner.log(level, message, fields), settings),
    enabled: (level) => inner.enabled(level),
    scope: (name) => relogged(inner.scope(name), settings, change),
  };
}

function scopes(change: (logger: Logger, name: string) => Logger): Fault {
  return made(({ logger }) => ({
    logger: {
      log: (level, message, fields) => logger.log(level, message, fields),
      enabled: (level) => logger.enabled(level),
      scope: (name) => change(logger, name),
    },
  }));
}

/** Control characters go out as they came: a line becomes two. */
const rawControls = (text: string): string =>
  text.includes("level=error\\ttwo") ? text.replaceAll("\\n", "\n") : text;

const unescaped = (text: string): string => text.replaceAll("\\n", "\n");

function asTexts(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, `${value}`]));
}

/** What a logger does whose output nobody reads. */
function stalled(change: (right: StalledLogger) => Partial<StalledLogger>): Fault {
  return (right) => ({
    ...right,
    stalled: async () => {
      const made = await right.stalled?.();
      if (made === undefined) throw new Error("it never stalls");
      return { ...made, ...change(made) };
    },
  });
}

/** The first output that stalls is waited for. */
const waiting: Fault = (right) => {
  let isFirst = true;
  return stalled(({ logger }) => {
    let mustWait = isFirst;
    isFirst = false;
    const log: Log = (level, message, fields) => {
      if (mustWait) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_100);
      mustWait = false;
      logger.log(level, message, fields);
    };
    const enabled = (level: LogLevel): boolean => logger.enabled(level);
    return { logger: { log, enabled, scope: (name) => logger.scope(name) } };
  })(right);
};

/** Keeps what it is given until somebody reads. */
function hoarding({ logger, read }: StalledLogger): Partial<StalledLogger> {
  let kept = "";
  return {
    logger: {
      log: (level, message, fields) => {
        kept += `${message}\n`;
        logger.log(level, message, fields);
      },
      enabled: (level) => logger.enabled(level),
      scope: (name) => logger.scope(name),
    },
    read: () => {
      const text = kept + read();
      kept = "";
      return text;
    },
  };
}

/** By the id of the case that finds it. */
export const loggerFaults: Readonly<Record<string, Fault>> = {
  "logging/text/keys": written("text", (text) => text.replaceAll(" type=log", "")),
  "logging/json/keys": written("json", (text) => text.replaceAll('"type":"log",', "")),
  "logging/text/quoted": written("text", (text) => text.replaceAll('equal="a=b"', "equal=a=b")),
  "logging/text/one-line": written("text", rawControls),
  "logging/json/parses": written("json", unescaped),
  "logging/json/kinds": lines((right, { format }) => (level, message, fields) => {
    right(level, message, format === "json" && fields?.ok === true ? asTexts(fields) : fields);
  }),
  "logging/line/warning": written("both", (text) => text.replaceAll("warning", "warn")),
  "logging/line/time": written("both", (text) =>
    text.replaceAll(/\d{4}-\d\d-\d\dT/g, "2001-01-01T"),
  ),
  "logging/line/fields": lines((right) => (level, message, fields) => {
    right(level, message, fields !== undefined && "method" in fields ? {} : fields);
  }),
  "logging/line/forged-keys": written("both", (text) =>
    text.includes("forged") ? text.replace(/\breal\b/, "forged") : text,
  ),
  "logging/scope/named": scopes((logger) => logger),
  "logging/level/threshold": lines((right, settings) => (level, message, fields) => {
    if (settings.level !== "fatal" || level !== "fatal") right(level, message, fields);
  }),
  "logging/level/enabled": made(({ logger }) => ({
    logger: {
      log: (level, message, fields) => logger.log(level, message, fields),
      enabled: () => true,
      scope: (name) => logger.scope(name),
    },
  })),
  "logging/level/costs-nothing": lines((right) => (level, message, fields) => {
    right(level, message, fields && { ...fields });
  }),
  "logging/level/changes": scopes(frozen),
  "logging/level/own": made(({ logger }) => ({ withLevel: () => logger })),
  "logging/stalled/no-wait": waiting,
  "logging/stalled/bounded": stalled(hoarding),
  "logging/stalled/loss-told": stalled(({ read }) => ({
    read: () => read().replaceAll("level=warning", "level=info"),
  })),
};

/** A scope keeps the level that held when it was made. */
function frozen(logger: Logger, name: string): Logger {
  const scope = logger.scope(name);
  const levels: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];
  const enabled = new Set(levels.filter((level) => scope.enabled(level)));
  return {
    log: (level, message, fields) => {
      if (enabled.has(level)) scope.log(level, message, fields);
    },
    enabled: (level) => enabled.has(level),
    scope: (inner) => scope.scope(inner),
  };
}
