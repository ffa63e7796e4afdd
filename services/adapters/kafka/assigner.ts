// Hands out whole slots: every partition of a slot goes to one member, the same slot to the same place in the sorted
// list of members. Partitions of one number share a slot over all topics.

import kafkajs, { type PartitionAssigner } from "kafkajs";

const { AssignerProtocol } = kafkajs;
const VERSION = 1;

export function createSlotAssigner(slots: number, slotOf: (partition: number) => number): PartitionAssigner {
  return ({ cluster }) => ({
    name: "WeftSlots",
    version: VERSION,
    async assign({ members, topics }) {
      const ids = members.map(({ memberId }) => memberId).sort();
      const assignments = new Map<string, Record<string, number[]>>(ids.map((id) => [id, {}]));
      for (const topic of topics) {
        for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
          const member = ids[Math.floor(((slotOf(partitionId) % slots) * ids.length) / slots)] as string;
          const assignment = assignments.get(member) as Record<string, number[]>;
          (assignment[topic] ??= []).push(partitionId);
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
      name: "WeftSlots",
      metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) }),
    }),
  });
}
