import type { ComponentFactory, ExternalTargets } from "@outrigger/core";
import { egressHttp } from "@outrigger/egress-http";

/** Calls of `weather` go to a server outside, with a key that the app need not know. */
export const egress: ComponentFactory<ExternalTargets> = egressHttp({
  endpoints: [
    {
      name: "weather",
      baseUrl: "https://api.weather.example/v2",
      headers: [["X-Api-Key", process.env.WEATHER_KEY ?? ""]],
    },
  ],
});
