export { egressHttp } from "./egress-http.ts";
export type { EgressHttpOptions, EndpointTls, HttpEndpoint } from "./options.ts";
