import type {
  AppChannel,
  Body,
  ByteString,
  ComponentFactory,
  HeaderList,
  IngressFactory,
  ListenAddress,
  StatusDetail,
  Transport,
} from "@outrigger/core";

/** What a client speaks to its sidecar, or a sidecar to its app. */
export type InvocationProtocol = "http" | "grpc";

/** Protocol of the client, then protocol of the app. */
export type InvocationPair = `${InvocationProtocol}-${InvocationProtocol}`;

/** One call of a client, in the words of either protocol. */
export interface ClientCall {
  /** App id that is called. */
  readonly target: string;
  /** HTTP: the path behind `/method/`, escaped as it goes on the wire. gRPC: the field `method`. */
  readonly method: ByteString;
  /** Empty: gRPC clients send no `http_extension`; HTTP clients never have it empty. */
  readonly verb: string;
  /** Without `?`. Sent byte for byte. */
  readonly query: ByteString;
  /** Names and values in order. Values of gRPC's `-bin` names are base64, as on the wire. */
  readonly headers: HeaderList;
  /** Empty: none is sent. */
  readonly contentType: ByteString;
  /** Type URL of the message in `data`; only gRPC clients have it. */
  readonly typeUrl: string;
  /** A stream is sent without a declared length, piece by piece. */
  readonly body: Body;
  /** Only gRPC clients have deadlines, in milliseconds from now. */
  readonly timeoutMs?: number;
  /** HTTP: name the target in `dapr-app-id` instead of the path. */
  readonly targetInHeader?: boolean;
}

/** What a client got. */
export interface ClientAnswer {
  /** HTTP status, or gRPC status code. */
  readonly status: number;
  /** Of a gRPC status; empty over HTTP. */
  readonly message: string;
  readonly details: readonly StatusDetail[];
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
  readonly contentType: ByteString;
  readonly typeUrl: string;
  /** Rejects when the answer breaks off. Ending the iteration early leaves the call. */
  readonly body: Body;
}

/** A client of the ingress. Real: it goes over a socket, and knows nothing of the ingress' code. */
export interface InvocationClient {
  /**
   * Resolves with what arrived, whatever its status. Rejects when nothing did.
   * @param signal the client goes away when it aborts.
   */
  call(call: ClientCall, signal: AbortSignal): Promise<ClientAnswer>;
  /** Asks the health routes; needed with the feature `healthRoutes`. */
  healthy?(route: "sidecar" | "outbound", signal: AbortSignal): Promise<boolean>;
  close(): unknown;
}

/** One request as the app sees it. */
export interface AppRequest {
  /** HTTP: the request target as received, up to the `?`. gRPC: the field `method`. */
  readonly path: ByteString;
  readonly query: ByteString;
  /** Empty where a gRPC request has no `http_extension`. */
  readonly verb: string;
  readonly headers: HeaderList;
  readonly contentType: ByteString;
  readonly typeUrl: string;
  readonly body: Body;
  /** Aborted when the sidecar gives the request up. */
  readonly signal: AbortSignal;
}

/** The app's answer. */
export interface AppReply {
  /** HTTP status, or gRPC status code. */
  readonly status: number;
  readonly message: string;
  readonly details: readonly StatusDetail[];
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
  readonly contentType: ByteString;
  readonly typeUrl: string;
  /** A stream that throws means that the app breaks its connection in the middle of the body. */
  readonly body: Body;
}

/** What the app does with a request; `break-off` closes the connection without an answer. */
export type AppHandler = (request: AppRequest) => Promise<AppReply | "break-off">;

/** What an API can do. Cases that need more are left out. */
export interface InvocationIngressFeatures {
  /** Bodies travel piece by piece in both directions. */
  readonly streams: boolean;
  /** A call can carry the time until when its client waits. */
  readonly deadlines: boolean;
  /** There are routes that tell whether the sidecar is ready. */
  readonly healthRoutes: boolean;
}

/** What a way to the app can do. Cases that need more are left out. */
export interface InvocationAppFeatures {
  /** Bodies travel piece by piece in both directions. */
  readonly streams: boolean;
  /** The app's request ends when nobody waits for it any more. */
  readonly cancels: boolean;
}

/** An ingress and a client for it. */
export interface IngressUnderTest {
  readonly protocol: InvocationProtocol;
  readonly features: InvocationIngressFeatures;
  /** Must accept bodies of 9 MiB, streamed ones of 64 MiB, and listen on any free port of loopback. */
  readonly create: IngressFactory;
  client(addresses: readonly ListenAddress[]): InvocationClient;
}

/** An app channel and apps for it. */
export interface AppUnderTest {
  readonly protocol: InvocationProtocol;
  readonly features: InvocationAppFeatures;
  /**
   * Starts an app and gives the way to it; the factory is used by two runtimes. Must accept bodies
   * of 9 MiB.
   * @param maxConcurrency most calls at the app; 0 = unlimited.
   */
  start(handler: AppHandler, maxConcurrency: number): Promise<ComponentFactory<AppChannel>>;
  /** The way to an app that does not listen. */
  absent(): ComponentFactory<AppChannel>;
}

/** An ingress and an app channel that must work together. */
export interface InvocationSubject {
  readonly ingress: IngressUnderTest;
  readonly app: AppUnderTest;
  /** What connects the two sidecars. */
  readonly transport: {
    readonly caller: ComponentFactory<Transport>;
    readonly callee: ComponentFactory<Transport>;
  };
  /** Most bytes that leave an app whose client does not read, in bytes. Default 16 MiB. */
  readonly bufferedBytes?: number;
}
