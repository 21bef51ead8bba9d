import { LiveHttpPipeline, silentLogger } from "@outrigger/core";
import { middlewareOAuth2ClientCredentials } from "@outrigger/middleware-oauth2-client-credentials";

const context = {
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

const authorize = middlewareOAuth2ClientCredentials({
  clientId: "orders",
  clientSecret: process.env.CLIENT_SECRET ?? "",
  scopes: ["stock.read"],
  tokenUrl: "https://login.example.com/oauth2/token",
  pathFilter: "^/v1.0/invoke/stock/",
})(context);

const pipeline = new LiveHttpPipeline(context.log);
pipeline.replace([authorize]);
