import { loadConfiguration, loadResources } from "@outrigger/resources";

const { configuration, warnings } = await loadConfiguration(["config.yaml"], { env: process.env });
const resources = await loadResources(["resources"], { appId: "orders", namespace: "default" });

for (const warning of warnings) console.warn(warning);
for (const notice of resources.notices) console.warn(notice.message);
console.log(configuration.nameResolution.component, resources.httpEndpoints.length);
