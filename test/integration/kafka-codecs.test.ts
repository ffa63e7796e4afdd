// Producers pack as they like: whatever compression.type they set, their records are read.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import kafkajs from "kafkajs";
import { makeFolder } from "#support/folder.ts";
import { groundTest, readAll, textOf } from "#support/kafka-ground.ts";
import { requirePrograms } from "../../infra/install.ts";

for (const [name, type] of [
  ["gzip", kafkajs.CompressionTypes.GZIP],
  ["snappy", kafkajs.CompressionTypes.Snappy],
  ["lz4", kafkajs.CompressionTypes.LZ4],
  ["zstd", kafkajs.CompressionTypes.ZSTD],
] as const)
  groundTest(`records that a producer packed with ${name} are read`, async ({ log, kafka, createTopic }) => {
    const topic = await createTopic(1);
    const producer = kafka.producer();
    await producer.connect();
    const values = Array.from({ length: 50 }, (_, n) => `${n} ${"pack me ".repeat(200)}`);
    await producer.send({ topic, compression: type, messages: values.map((value) => ({ value })) });
    await producer.disconnect();
    assert.deepEqual((await readAll(log, topic)).map(textOf), values);
  });

const JAVA_PRODUCER = `
import java.util.Properties;
import org.apache.kafka.clients.producer.*;
public class Produce {
  public static void main(String[] args) throws Exception {
    for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
      Properties properties = new Properties();
      properties.put("bootstrap.servers", args[0]);
      properties.put("compression.type", codec);
      properties.put("linger.ms", "200");
      properties.put("batch.size", "400000");
      properties.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
      properties.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
      try (Producer<String, String> producer = new KafkaProducer<>(properties)) {
        for (int n = 0; n < 500; n++)
          producer.send(new ProducerRecord<>(args[1], codec, codec + n + " " + "pack me ".repeat(40)));
      }
    }
  }
}`;

groundTest("records of Java's producer are read, whatever it packed them with", async (ground, t) => {
  const { log, brokers, createTopic } = ground;
  const programs = await requirePrograms(() => {}).catch(() => null);
  if (programs === null) return t.skip("no Java");
  const topic = await createTopic(1);
  const folder = makeFolder("java");
  writeFileSync(join(folder, "Produce.java"), JAVA_PRODUCER);
  const classPath = join(programs.kafkaDirectory, "*");
  const source = join(folder, "Produce.java");
  try {
    await promisify(execFile)(programs.java, ["-cp", classPath, source, brokers.join(","), topic]);
  } catch (error) {
    // A runtime without its compiler cannot start from a source file.
    if (/jdk\.compiler|ClassNotFound/.test(String(error))) return t.skip("no Java compiler");
    throw error;
  }
  const read = (await readAll(log, topic)).map((record) => [record.key, textOf(record)]);
  const wanted = ["none", "gzip", "snappy", "lz4", "zstd"].flatMap((codec) =>
    Array.from({ length: 500 }, (_, n) => [codec, `${codec}${n} ${"pack me ".repeat(40)}`]),
  );
  assert.deepEqual(read, wanted);
});
