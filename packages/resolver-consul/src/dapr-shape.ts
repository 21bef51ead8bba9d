import type { Shape } from "./json-shape.ts";

const texts: Shape = { map: "text" };
const textList: Shape = { list: "text" };

const check: Shape = {
  fields: {
    checkID: "text",
    name: "text",
    args: textList,
    dockerContainerID: "text",
    shell: "text",
    interval: "text",
    timeout: "text",
    ttl: "text",
    http: "text",
    header: { map: textList },
    method: "text",
    tcp: "text",
    status: "text",
    notes: "text",
    tlsSkipVerify: "flag",
    grpc: "text",
    grpcUseTLS: "flag",
    aliasNode: "text",
    aliasService: "text",
    deregisterCriticalServiceAfter: "text",
  },
};

const proxy: Shape = {
  fields: {
    destinationServiceName: "text",
    destinationServiceID: "text",
    localServiceAddress: "text",
    localServicePort: "whole",
    config: { map: "anything" },
    upstreams: { list: "anything" },
    meshGateway: { fields: { mode: "text" } },
    expose: { fields: { checks: "flag", paths: { list: "anything" } } },
  },
};

const registration: Shape = {
  fields: {
    kind: "text",
    id: "text",
    name: "text",
    tags: textList,
    port: "whole",
    address: "text",
    taggedAddresses: { map: { fields: { address: "text", port: "whole" } } },
    enableTagOverride: "flag",
    meta: texts,
    weights: { fields: { passing: "whole", warning: "whole" } },
    check,
    checks: { list: check },
    proxy,
    connect: { fields: { native: "flag", sidecarService: "anything" } },
  },
};

const client: Shape = {
  fields: {
    address: "text",
    scheme: "text",
    datacenter: "text",
    httpAuth: { fields: { username: "text", password: "text" } },
    waitTime: "whole",
    token: "text",
    tokenFile: "text",
    tlsConfig: {
      fields: {
        address: "text",
        caFile: "text",
        caPath: "text",
        certFile: "text",
        keyFile: "text",
        insecureSkipVerify: "flag",
      },
    },
  },
};

const queryOptions: Shape = {
  fields: {
    datacenter: "text",
    allowStale: "flag",
    requireConsistent: "flag",
    useCache: "flag",
    maxAge: "whole",
    staleIfError: "whole",
    waitIndex: "whole",
    waitTime: "whole",
    waitHash: "text",
    token: "text",
    near: "text",
    nodeMeta: texts,
    relayFactor: "whole",
    localOnly: "flag",
    connect: "flag",
    filter: "text",
  },
};

/** The configuration of Dapr's Consul component. */
export const daprConfiguration: Shape = {
  fields: {
    client,
    checks: { list: check },
    tags: textList,
    meta: texts,
    queryOptions,
    advancedRegistration: registration,
    daprPortMetaKey: "text",
    selfRegister: "flag",
    selfDeregister: "flag",
    useCache: "flag",
  },
};
