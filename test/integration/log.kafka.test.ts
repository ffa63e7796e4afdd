import { openKafkaLog } from "#adapters/kafka/log.ts";
import { servicesOrSkip } from "#support/services.ts";
import { testLog } from "../contract/log.contract.ts";

testLog("kafka", async (t) => {
  const services = await servicesOrSkip(t);
  return services === null ? null : await openKafkaLog({ brokers: services.brokers, clientId: "log-test" });
});
