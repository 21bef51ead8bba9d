import { OutriggerError, RpcCode } from "@outrigger/core";

/** Bytes of a peer that are not the message they should be. Peers see the text of Go's gRPC library. */
export function malformed(reason: string): OutriggerError {
  return new OutriggerError(`malformed protobuf message: ${reason}`, {
    code: "OTR_PROTOCOL_VIOLATION",
    rpc: {
      code: RpcCode.INTERNAL,
      message:
        "grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data",
    },
  });
}

/** A received string that is not UTF-8, which proto3 forbids. */
export function invalidReceivedText(): OutriggerError {
  const text = "string field contains invalid UTF-8";
  return new OutriggerError(`malformed protobuf message: ${text}`, {
    code: "OTR_PROTOCOL_VIOLATION",
    rpc: {
      code: RpcCode.INTERNAL,
      message: `grpc: failed to unmarshal the received message: proto: ${text}`,
    },
  });
}

/** A string that cannot be sent because its bytes are not UTF-8. */
export function invalidSentText(): OutriggerError {
  const message = "grpc: error while marshaling: string field contains invalid UTF-8";
  return new OutriggerError(message, {
    code: "OTR_PROTOCOL_VIOLATION",
    rpc: { code: RpcCode.INTERNAL, message },
  });
}
