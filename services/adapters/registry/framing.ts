// The frame around a value: a byte 0, four bytes of schema id, then Avro. What does not look so is named by what it
// looks like, so that the dead letter says which setting of the producer to change.

export const FRAME_BYTES = 5;
/** Ids are positive 32-bit integers; a negative one stands for "not framed so". */
export const NO_SCHEMA_ID = -1;

const MAGIC_BYTE = 0;
const GUID_MAGIC_BYTE = 1;

/** The schema id, or NO_SCHEMA_ID. */
export function readSchemaId(bytes: Uint8Array): number {
  if (bytes.length < FRAME_BYTES || bytes[0] !== MAGIC_BYTE) return NO_SCHEMA_ID;
  const id =
    ((bytes[1] as number) << 24) | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 8) | (bytes[4] as number);
  return id > 0 ? id : NO_SCHEMA_ID;
}

export function writeFrame(bytes: Buffer, schemaId: number): void {
  bytes[0] = MAGIC_BYTE;
  bytes.writeInt32BE(schemaId, 1);
}

const PREFIX_SETTING =
  "value.schema.id.serializer=io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer (Confluent's default)";
const APICURIO_SETTING =
  "apicurio.registry.as-confluent=true, apicurio.registry.use-id=contentId and apicurio.registry.headers.enabled=false";

/** Why `readSchemaId` found none. */
export function describeFraming(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty value; send Avro behind a byte 0 and a schema id of 4 bytes";
  const [first, second, third, fourth] = bytes;
  if (first === MAGIC_BYTE && bytes.length < FRAME_BYTES)
    return `${bytes.length} bytes; a byte 0 and a schema id of 4 bytes come first`;
  if (first === MAGIC_BYTE && bytes.subarray(1, FRAME_BYTES).every((byte) => byte === 0))
    return `a schema id of 8 bytes; set ${APICURIO_SETTING} in the producer`;
  if (first === MAGIC_BYTE) return "a schema id beyond 31 bits; send Avro behind a byte 0 and a schema id of 4 bytes";
  if (first === GUID_MAGIC_BYTE)
    return `a schema GUID behind a byte 1 (Confluent's header ids); set ${PREFIX_SETTING} in the producer`;
  if (first === 0x7b || first === 0x5b) return "looks like JSON; send Avro behind a byte 0 and a schema id of 4 bytes";
  if (first === 0x4f && second === 0x62 && third === 0x6a && fourth === 1)
    return "an Avro container file; send each record by itself, behind a byte 0 and a schema id of 4 bytes";
  if (first === 0xc3 && second === 1)
    return "Avro's single-object encoding; send a byte 0 and a schema id of 4 bytes instead";
  return `no byte 0 in front; if the schema id is in the header __value_schema_id, set ${PREFIX_SETTING} in the producer; with Apicurio's serializer, ${APICURIO_SETTING}`;
}
