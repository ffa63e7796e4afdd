// The two grounds on which a script of transactions is acted: the simulated log, and a broker through single requests of
// its protocol, so that nothing of a client's own memory stands between.

import type { Cluster } from "kafkajs";
import kafkajs from "kafkajs";
import { createClusterConsumer } from "#adapters/kafka/cluster.ts";
import { fetchStablePositions } from "#adapters/kafka/stable-offsets.ts";
import type { Log } from "#ports/log.ts";
import { Broker, Fenced } from "../simulation/broker.ts";
import { FAULT_KINDS, type FaultKind } from "../simulation/faults.ts";
import { createPlan } from "../simulation/plan.ts";
import { World } from "../simulation/world.ts";
import { type Act, type Id, PARTITIONS, type Script } from "./calibration-scripts.ts";

/** fenced: a newer incarnation has the id, or its time was over. refused: for any other reason. */
export type Answer = "done" | "fenced" | "refused";

/** What a reader of committed records and of the group's positions sees: offset and text of each record, by partition. */
export interface Sight {
  readonly records: readonly (readonly string[])[];
  /** -1 where none was ever set; null where one is about to move, so nobody says. */
  readonly position: number | null;
}

export interface Ground {
  act(act: Act): Promise<Answer>;
  look(): Promise<Sight>;
}

const TOPIC = "calibrated";
const GROUP = "calibrating";
/** Long enough for every marker, too short for any time-out. */
const SETTLING_MS = 40;
const OUTLASTING_MS = 2_000;

export function openSimulatedGround(): Ground {
  const rates = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  const world = new World({ ...createPlan(1), rates, strikes: [] }, new Set());
  const broker = new Broker(world, () => {});
  broker.createTopic(TOPIC, PARTITIONS);
  const incarnations = new Map<Id, number[]>();
  const key = `${TOPIC}/0`;
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    const over = () => void (isOver = true);
    work.then(over, over);
    // What needs no time is done first, or the world would run on to the next time-out.
    await new Promise((resolve) => setImmediate(resolve));
    await world.run(world.nowMs + OUTLASTING_MS, () => isOver);
    if (!isOver) throw new Error("the simulated log does not answer");
    return await work;
  };
  const epochOf = (id: Id, back: number) => incarnations.get(id)?.at(-1 - back) as number;
  const record = (partition: number, text: string) => ({
    topic: TOPIC,
    partition,
    key: null,
    value: Buffer.from(text),
  });
  const ask = async (work: () => Promise<unknown>): Promise<Answer> => {
    try {
      await settle(work());
      return "done";
    } catch (error) {
      return error instanceof Fenced ? "fenced" : "refused";
    }
  };
  const endAndSettle = async (id: Id, epoch: number, how: "committing" | "aborting"): Promise<Answer> => {
    const answer = await ask(() => broker.end(id, epoch, how));
    await world.run(world.nowMs + SETTLING_MS, () => false);
    return answer;
  };
  return {
    async act(act) {
      switch (act.kind) {
        case "open":
          incarnations.set(act.id, [...(incarnations.get(act.id) ?? []), await settle(broker.initialise(act.id))]);
          return "done";
        case "positions":
          return await ask(() =>
            broker.addPositions(
              act.id,
              epochOf(act.id, act.back),
              GROUP,
              new Map([[key, { offset: act.offset, step: 0 }]]),
            ),
          );
        case "produce":
        case "straggle":
          return await ask(() => broker.produce(act.id, epochOf(act.id, act.back), [record(act.partition, act.text)]));
        case "end":
          return await endAndSettle(act.id, epochOf(act.id, act.back), act.how);
        case "append":
          broker.append(record(act.partition, act.text));
          return "done";
        case "outlast":
          await world.run(world.nowMs + OUTLASTING_MS, () => false);
          return "done";
        case "look":
          return "done";
      }
    },
    async look() {
      await world.run(world.nowMs + SETTLING_MS, () => false);
      const records = broker
        .partitionsOf(TOPIC)
        .map((partition) =>
          partition
            .read(0, Number.POSITIVE_INFINITY)
            .records.map(({ offset, value }) => `${offset} ${Buffer.from(value ?? "").toString()}`),
        );
      let position: number | null = null;
      const asked = broker.readPositions(GROUP, [key]);
      asked.then(
        (found) => (position = found.get(key)?.offset ?? 0),
        () => {},
      );
      await new Promise((resolve) => setImmediate(resolve));
      await world.run(world.nowMs + 1, () => false);
      return { records, position };
    },
  };
}

interface Coordinator {
  initProducerId(request: object): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(request: object): Promise<unknown>;
  addOffsetsToTxn(request: object): Promise<unknown>;
  txnOffsetCommit(request: object): Promise<unknown>;
  endTxn(request: object): Promise<unknown>;
  produce(request: object): Promise<unknown>;
}

interface Incarnation {
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly sequences: number[];
}

const FENCED = new Set(["INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED", "INVALID_PRODUCER_ID_MAPPING"]);
const AGAIN = new Set(["CONCURRENT_TRANSACTIONS", "COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR_FOR_GROUP"]);
const AGAIN_MS = 15;

export interface BrokerClient {
  readonly cluster: Cluster;
  /** One at a time: kafkajs' admin forgets topics that are asked for side by side. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openBrokerClient(brokers: readonly string[]): Promise<BrokerClient> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const { consumer, cluster } = createClusterConsumer(kafka, { groupId: "calibration-client" });
  await consumer.connect();
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };
  return { cluster, inTurn, close: () => consumer.disconnect() };
}

export async function openRealGround(
  { cluster, inTurn }: BrokerClient,
  log: Log,
  name: string,
  { hangs }: Script,
): Promise<Ground> {
  const [topic, group] = [`${TOPIC}-${name}`, `${GROUP}-${name}`];
  const incarnations = new Map<Id, Incarnation[]>();
  const idOf = (id: Id) => `${name}-${id}`;
  const lookUp = cluster as unknown as {
    findGroupCoordinator(of: { groupId: string; coordinatorType?: number }): Promise<Coordinator>;
    findBroker(of: { nodeId: string }): Promise<Coordinator>;
    findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
    addTargetTopic(topic: string): Promise<void>;
  };
  await inTurn(() => log.createTopics([{ name: topic, partitions: PARTITIONS, config: {} }]));
  await lookUp.addTargetTopic(topic);
  const coordinatorOf = (id: Id) => lookUp.findGroupCoordinator({ groupId: idOf(id), coordinatorType: 1 });
  const request = async (id: Id, { producerId, producerEpoch }: Incarnation, more: object) => ({
    transactionalId: idOf(id),
    producerId,
    producerEpoch,
    ...more,
  });
  const incarnationOf = (id: Id, back: number) => incarnations.get(id)?.at(-1 - back) as Incarnation;

  async function open(id: Id): Promise<void> {
    const transactionTimeout = hangs ? 8_000 : 60_000;
    const answer = await insist(async () =>
      (await coordinatorOf(id)).initProducerId({ transactionalId: idOf(id), transactionTimeout }),
    );
    incarnations.set(id, [...(incarnations.get(id) ?? []), { ...answer, sequences: [] }]);
  }

  async function movePositions(id: Id, incarnation: Incarnation, offset: number): Promise<void> {
    const joining = await request(id, incarnation, { groupId: group });
    await insist(async () => (await coordinatorOf(id)).addOffsetsToTxn(joining));
    const moving = await request(id, incarnation, {
      groupId: group,
      topics: [{ topic, partitions: [{ partition: 0, offset: String(offset), metadata: "0" }] }],
    });
    await insist(async () => (await lookUp.findGroupCoordinator({ groupId: group })).txnOffsetCommit(moving));
  }

  async function produce(id: Id, incarnation: Incarnation, partition: number, text: string): Promise<void> {
    const [node = ""] = Object.keys(lookUp.findLeaderForPartitions(topic, [partition]));
    const firstSequence = incarnation.sequences[partition] ?? 0;
    const messages = [{ key: null, value: Buffer.from(text), timestamp: Date.now(), headers: {} }];
    const sending = await request(id, incarnation, {
      topicData: [{ topic, partitions: [{ partition, firstSequence, messages }] }],
    });
    await insist(async () => (await lookUp.findBroker({ nodeId: node })).produce(sending));
    incarnation.sequences[partition] = firstSequence + 1;
  }

  return {
    async act(act) {
      try {
        switch (act.kind) {
          case "open":
            await open(act.id);
            break;
          case "positions":
            await movePositions(act.id, incarnationOf(act.id, act.back), act.offset);
            break;
          case "produce": {
            const incarnation = incarnationOf(act.id, act.back);
            const joining = await request(act.id, incarnation, { topics: [{ topic, partitions: [act.partition] }] });
            await insist(async () => (await coordinatorOf(act.id)).addPartitionsToTxn(joining));
            await produce(act.id, incarnation, act.partition, act.text);
            break;
          }
          case "straggle":
            await produce(act.id, incarnationOf(act.id, act.back), act.partition, act.text);
            break;
          case "end": {
            const ending = await request(act.id, incarnationOf(act.id, act.back), {
              transactionResult: act.how === "committing",
            });
            await insist(async () => (await coordinatorOf(act.id)).endTxn(ending));
            // Asked again, it answers when every marker has landed: what comes next comes behind them.
            await insist(async () => (await coordinatorOf(act.id)).endTxn(ending));
            break;
          }
          case "append":
            await log.append([{ topic, partition: act.partition, key: null, value: Buffer.from(act.text) }]);
            break;
          case "outlast":
          case "look":
            break;
        }
        return "done";
      } catch (error) {
        const { type = "" } = error as { readonly type?: string };
        if (type === "") throw error;
        return FENCED.has(type) ? "fenced" : "refused";
      }
    },
    async look() {
      const records: string[][] = Array.from({ length: PARTITIONS }, () => []);
      await inTurn(async () => {
        for await (const { partition, offset, value } of log.read([topic], { from: "start", follow: false }))
          records[partition]?.push(`${offset} ${Buffer.from(value ?? "").toString()}`);
      });
      const position = await fetchStablePositions(cluster, group, [{ topic, partition: 0 }]).catch(() => null);
      return { records, position: position?.get(`${topic}/0`)?.offset ?? null };
    },
  };
}

/** What is still ending is waited for, as every client does. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!AGAIN.has((error as { readonly type?: string }).type ?? "")) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
