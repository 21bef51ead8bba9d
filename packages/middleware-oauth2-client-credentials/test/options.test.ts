import {
  middlewareOAuth2ClientCredentials,
  optionsFromMetadata,
} from "@outrigger/middleware-oauth2-client-credentials";
import { expect, test } from "vitest";

const metadata = {
  headerName: "authorization",
  clientId: "orders",
  clientSecret: "secret",
  scopes: "a,b",
  tokenURL: "http://127.0.0.1/token",
};

test("reads settings as Dapr does", () => {
  const expected = {
    headerName: "authorization",
    clientId: "orders",
    clientSecret: "secret",
    scopes: ["a", "b"],
    tokenUrl: "http://127.0.0.1/token",
    endpointParams: {},
    authStyle: "auto",
  };
  expect(optionsFromMetadata(metadata)).toEqual(expected);
  const more = { EndpointParamsQuery: "a=1&b=x%20y&a=2", authStyle: "2", pathFilter: "^/x" };
  expect(optionsFromMetadata({ ...metadata, ...more })).toEqual({
    ...expected,
    endpointParams: { a: ["1", "2"], b: ["x y"] },
    authStyle: "header",
    pathFilter: "^/x",
  });
});

test("names everything that is wrong, in Dapr's words", () => {
  expect(() => optionsFromMetadata({})).toThrow(
    "metadata errors: Parameter 'headerName' needs to be set. Parameter 'clientID' needs to be set. Parameter 'clientSecret' needs to be set. Parameter 'scopes' needs to be set. Parameter 'tokenURL' needs to be set. ",
  );
  expect(() => optionsFromMetadata({ ...metadata, authStyle: "3", pathFilter: "(" })).toThrow(
    /^metadata errors: Parameter 'pathFilter' is not a valid regex: error parsing regexp: .*\. Parameter 'authStyle' can only have the values 0,1,2\. Received: '3'\. $/,
  );
});

test("refuses options that are wrong", () => {
  const options = { clientId: "a", clientSecret: "b", tokenUrl: "https://example.com/" };
  const make = (more: object) => () => middlewareOAuth2ClientCredentials({ ...options, ...more });
  expect(make({})).not.toThrow();
  expect(make({ tokenUrl: "ftp://example.com" })).toThrow("tokenUrl: must be an http or https URL");
  expect(make({ clientId: "" })).toThrow("clientId: must not be empty");
  expect(make({ headerName: "a b" })).toThrow("headerName: must be a name of a header");
  expect(make({ pathFilter: "[" })).toThrow("pathFilter: error parsing regexp");
  expect(make({ authStyle: "basic" })).toThrow('authStyle: must be "auto", "params" or "header"');
  expect(make({ timeoutMs: 0 })).toThrow("timeoutMs: ");
  expect(make({ unknown: 1 })).toThrow("unknown");
});
