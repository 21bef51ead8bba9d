import {
  type Body,
  type BodyStream,
  type HttpResponse,
  isBuffered,
  readBody,
} from "@outrigger/core";
import { answering, answers, type Fault, handling, passing, requests } from "./guard-middleware.ts";

const hang = () => new Promise<never>(() => undefined);
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const limitBytes = 100_000_000;

/** Wraps streams only; what is in memory stays. */
function streaming(body: Body, wrap: (stream: BodyStream) => Body): Body {
  return isBuffered(body) ? body : wrap(body);
}

/** Chunk by chunk, and deaf to a reader that leaves. */
function deaf(stream: BodyStream): BodyStream {
  const chunks = stream[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
}

/** A stream that breaks off ends as if it were complete. */
async function* soothed(stream: BodyStream): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch {
    // What is missing is not told.
  }
}

/** Chunks come out in pairs. */
async function* paired(stream: BodyStream): AsyncGenerator<Uint8Array> {
  let kept: Uint8Array | undefined;
  for await (const chunk of stream) {
    if (kept === undefined) kept = chunk;
    else {
      yield Buffer.concat([kept, chunk]);
      kept = undefined;
    }
  }
  if (kept !== undefined) yield kept;
}

/** Takes ahead whatever the source has. */
function greedy(stream: BodyStream): BodyStream {
  return {
    [Symbol.asyncIterator]: () => {
      const chunks = stream[Symbol.asyncIterator]();
      const results: Promise<IteratorResult<Uint8Array>>[] = [];
      let left = false;
      const fill = async (): Promise<void> => {
        for (let done = false; !done && !left; ) {
          const result = chunks.next();
          results.push(result);
          done = await result.then(
            ({ done: over }) => over === true,
            () => true,
          );
        }
      };
      let begun = false;
      return {
        next: async () => {
          if (!begun) {
            begun = true;
            void fill();
          }
          for (;;) {
            const result = results.shift();
            if (result !== undefined) return result;
            await turn();
          }
        },
        return: async () => {
          left = true;
          await chunks.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

const closed = (headers: readonly string[] = []): HttpResponse => ({
  status: 403,
  headers,
  body: Buffer.from("closed"),
});

let failedOnce = new WeakSet<object>();

/** For each case a middleware that it must catch. */
export const middlewareFaults: Readonly<Record<string, Fault>> = {
  "middleware/pass/request-line": requests(({ query }) => ({ query: query && `${query}&x=1` })),
  "middleware/pass/request-headers": requests(({ headers }) => {
    const folded = new Map<string, string>();
    for (let index = 0; index < headers.length; index += 2) {
      const name = `${headers[index]}`;
      const key = name === "x-conformance" ? "X-Conformance" : name;
      folded.set(key, [folded.get(key) ?? [], `${headers[index + 1]}`].flat().join(", "));
    }
    return { headers: [...folded].flat() };
  }),
  "middleware/pass/request-rest": handling(
    ({ method, path, query, headers, body, bodyLength, signal }, next) =>
      next({ method, path, query, headers, body, bodyLength, signal }),
  ),
  "middleware/pass/statuses": answers(({ status }) => ({ status: status === 599 ? 500 : status })),
  "middleware/pass/answer-headers": answers(({ headers }) => ({
    headers: headers.filter((_text, index) => headers[index - (index % 2)] !== "Set-Cookie"),
  })),
  "middleware/pass/nothing-changed-in-place": handling((request, next) => {
    (request.headers as string[]).push("X-Seen", "1");
    return next(request);
  }),
  "middleware/body/request-bytes": requests(({ body }) => ({
    body: isBuffered(body) ? Buffer.from(Buffer.from(body).toString()) : body,
  })),
  "middleware/body/answer-bytes": answers(({ body }) => ({
    body: isBuffered(body) ? Buffer.from(Buffer.from(body).toString()) : body,
  })),
  "middleware/body/bytes-are-the-senders": handling(async (request, next) => {
    const { body } = request;
    const copy = isBuffered(body) ? body.slice() : body;
    const response = await next({ ...request, body: copy });
    if (isBuffered(body)) body.fill(0);
    return response;
  }),
  "middleware/stream/request-chunks": requests(({ body }) => ({ body: streaming(body, paired) })),
  "middleware/stream/answer-chunks": answers(({ body }, request) => ({
    body: isBuffered(request.body) ? streaming(body, paired) : body,
  })),
  "middleware/stream/request-back-pressure": requests(({ body }) => ({
    body: streaming(body, greedy),
  })),
  "middleware/stream/answer-back-pressure": answers(({ body }) => ({
    body: streaming(body, greedy),
  })),
  "middleware/stream/request-reader-leaves": requests(({ body }) => ({
    body: streaming(body, deaf),
  })),
  "middleware/stream/answer-reader-leaves": answers(({ body }) => ({
    body: streaming(body, deaf),
  })),
  "middleware/stream/request-breaks-off": requests(({ body }) => ({
    body: streaming(body, soothed),
  })),
  "middleware/stream/answer-breaks-off": answers(({ body }) => ({
    body: streaming(body, soothed),
  })),
  // A request with an unfinished body waits for it, once the app has answered.
  "middleware/stream/both-at-once": answers(async ({ body }, request) => {
    if (isBuffered(request.body) || body !== request.body) return {};
    return { body: await readBody(body, limitBytes) };
  }),
  "middleware/body/declared-length": requests(({ body, bodyLength }) => ({
    bodyLength: bodyLength === undefined && !isBuffered(body) ? 0 : bodyLength,
  })),
  "middleware/abort/reaches-the-app": requests(() => ({ signal: new AbortController().signal })),
  "middleware/abort/before": handling((request, next) =>
    request.signal.aborted ? hang() : next(request),
  ),
  "middleware/abort/no-listeners": handling((request, next) => {
    request.signal.addEventListener("abort", () => undefined);
    return next(request);
  }),
  "middleware/failure/passes": handling((request, next) =>
    next(request).catch((cause: Error) => {
      throw new Error("failed", { cause });
    }),
  ),
  "middleware/failure/one-request": passing(({ handle }) => {
    const broken = {};
    failedOnce = new WeakSet();
    return {
      handle: async (request, next) => {
        if (failedOnce.has(broken)) throw new Error("broken for good");
        return handle(request, next).catch((reason: Error) => {
          if (!request.signal.aborted) failedOnce.add(broken);
          throw reason;
        });
      },
    };
  }),
  "middleware/failure/unusual-requests": handling((request, next) =>
    request.path === "*" ? hang() : next(request),
  ),
  "middleware/concurrent/no-mixing": passing(({ handle }) => {
    let underWay = 0;
    let last: HttpResponse | undefined;
    return {
      handle: async (request, next) => {
        underWay += 1;
        const response = await handle(request, next);
        // In a crowd, everybody gets what came last.
        if (underWay > 100) last ??= response;
        underWay -= 1;
        return last ?? response;
      },
    };
  }),
  "middleware/concurrent/no-queue": passing(({ handle }) => {
    let queue: Promise<unknown> = Promise.resolve();
    return {
      handle: (request, next) => {
        const mine = queue.then(() => handle(request, next));
        queue = mine.catch(() => undefined);
        return mine;
      },
    };
  }),
  "middleware/pipeline/between-others": answers(({ headers }) => ({
    headers: headers.filter((_text, index) => headers[index - (index % 2)] !== "X-Way"),
  })),
  "middleware/pipeline/passes-once": handling(async (request, next) => {
    const response = await next(request);
    const { body } = request;
    if (response.status === 503 && isBuffered(body)) setTimeout(() => void next(request), 1);
    return response;
  }),
  "middleware/pipeline/taken-out": passing(({ handle }) => {
    let end: (reason: Error) => void = () => undefined;
    const ended = new Promise<never>((_resolve, reject) => {
      end = reject;
    });
    ended.catch(() => undefined);
    return {
      handle: (request, next) => Promise.race([handle(request, next), ended]),
      stop: async () => end(new Error("stopped")),
    };
  }),
  "middleware/answer/in-place-of-the-app": answering(() => ({
    handle: async (request, next) => {
      await next(request);
      return closed();
    },
  })),
  "middleware/answer/well-formed": answering(() => ({
    handle: async () => closed(["Content-Length", "99"]),
  })),
  "middleware/answer/leaves-the-body": answering(() => ({
    handle: async ({ body }) => {
      await readBody(body, limitBytes);
      return closed();
    },
  })),
  "middleware/answer/again-and-again": answering(() => {
    let count = 0;
    return { handle: async () => ({ ...closed(), status: ++count > 20 ? 200 : 403 }) };
  }),
  "middleware/options/rejects-malformed": () => ({ malformedOptions: [() => undefined] }),
  "middleware/lifecycle/name": passing(() => ({ name: "" })),
  "middleware/lifecycle/independent": ({ create }) => {
    let stopped = false;
    let made = 0;
    return {
      create: (context) => {
        const inner = create(context);
        made += 1;
        return {
          ...inner,
          handle: async (request, next) => {
            if (stopped) throw new Error("stopped");
            return inner.handle(request, next);
          },
          // Only the first one is harmless.
          stop: async () => {
            stopped = made > 1;
          },
        };
      },
    };
  },
  "middleware/lifecycle/start-idempotent": passing(() => {
    let started = false;
    return {
      start: async () => {
        if (started) throw new Error("started twice");
        started = true;
      },
    };
  }),
  "middleware/lifecycle/start-abandoned": passing(() => ({
    start: (signal) => (signal.aborted ? hang() : Promise.resolve()),
  })),
  "middleware/lifecycle/stop-idempotent": passing(() => {
    let stops = 0;
    return {
      stop: async () => {
        if (++stops > 3) throw new Error("stopped too often");
      },
    };
  }),
  "middleware/lifecycle/no-leaks": passing(({ handle }) => {
    let count = 0;
    return {
      handle: (request, next) => {
        if (++count % 20 === 0) setTimeout(() => undefined, 3_000);
        return handle(request, next);
      },
    };
  }),
};
