// Hands out whole slots: every partition of a slot goes to one member, over all topics. Members stand in a row by id and
// each takes a run of slots, so that a slot mostly stays where it was when a member comes or goes at the end of the row.

import kafkajs, { type PartitionAssigner } from "kafkajs";

const { AssignerProtocol } = kafkajs;
const NAME = "WeftSlots";
const VERSION = 1;

/** Member of the row that takes a slot: as evenly as whole slots allow. */
export function memberOfSlot(slot: number, slots: number, members: number): number {
  return Math.floor((slot * members) / slots);
}

export function createSlotAssigner(slots: number, slotOf: (partition: number) => number): PartitionAssigner {
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    async assign({ members, topics }) {
      const ids = members.map(({ memberId }) => memberId).sort();
      const assignments = new Map<string, Record<string, number[]>>(ids.map((id) => [id, {}]));
      for (const topic of topics) {
        for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
          const slot = slotOf(partitionId);
          if (!Number.isInteger(slot) || slot < 0 || slot >= slots)
            throw new RangeError(`partition ${partitionId} of ${topic} belongs to slot ${slot}, of ${slots}`);
          const assignment = assignments.get(ids[memberOfSlot(slot, slots, ids.length)] as string);
          if (assignment !== undefined) (assignment[topic] ??= []).push(partitionId);
        }
      }
      return [...assignments].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: VERSION,
          assignment,
          userData: Buffer.alloc(0),
        }),
      }));
    },
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) }),
    }),
  });
}
