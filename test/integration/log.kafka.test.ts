import { openKafkaLog } from "#adapters/kafka/log.ts";
import { servicesOrSkip } from "#support/services.ts";
import { testLog } from "../contract/log.contract.ts";

testLog("Kafka", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return null;
  const [log, peer] = await Promise.all([
    openKafkaLog({ brokers: services.brokers, clientId: "test-log" }),
    openKafkaLog({ brokers: services.brokers, clientId: "test-peer" }),
  ]);
  t.after(() => Promise.all([log.close(), peer.close()]));
  return { log, peer };
});
