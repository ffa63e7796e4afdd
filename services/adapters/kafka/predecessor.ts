// A process that starts again under its instance id takes its predecessor out of the group, whose partitions would else be
// nobody's until its session has run out, and the whole group's while it waits for an answer of the dead. Kafka's own
// word for it, group.instance.id (KIP-345), is not in kafkajs; here the client id holds it, by which a coordinator lists
// the members. Two living processes of one id put each other out once, when they start, and both go on.

import type { Broker, Cluster } from "kafkajs";

interface Coordinator extends Broker {
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  describeGroups(options: { readonly groupIds: readonly string[] }): Promise<{
    readonly groups: readonly {
      readonly members: readonly { readonly memberId: string; readonly clientId: string }[];
    }[];
  }>;
}

/** As brokers see the one process of this name. */
export function clientIdOf(clientId: string, instanceId: string | undefined): string {
  return instanceId === undefined ? clientId : `${clientId}-${instanceId}`;
}

/** Before this process has joined. How many there were; may be repeated. Errors: those of kafkajs. */
export async function removePredecessors(cluster: Cluster, groupId: string, clientId: string): Promise<number> {
  const coordinator = (await cluster.findGroupCoordinator({ groupId })) as Coordinator;
  const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
  const predecessors = groups.flatMap(({ members }) => members).filter((member) => member.clientId === clientId);
  for (const { memberId } of predecessors)
    await coordinator.leaveGroup({ groupId, memberId }).catch((error: unknown) => {
      if ((error as { readonly type?: string }).type !== "UNKNOWN_MEMBER_ID") throw error;
    });
  return predecessors.length;
}
