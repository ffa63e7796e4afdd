// What Apache Unomi, Snowplow, RudderStack, PostHog's cohorts and kafka-flow promise, in our words; see
// peer-cases-posthog.ts.

import { casesOf, type PeerCase } from "#support/peer-cases.ts";

const unomi = casesOf("Apache Unomi");
const snowplow = casesOf("Snowplow");
const rudderstack = casesOf("RudderStack");
const cohorts = casesOf("PostHog cohorts");
const kafkaFlow = casesOf("kafka-flow");

/** Why a device that two have logged in on is on the profile of neither. */
const SHARED = "section 4, rule 2, and section 12: a contested device is a profile of its own (S24)";

export const OTHER_CASES: readonly PeerCase[] = [
  unomi.adopt(
    "UN-001",
    "who logs in on somebody else's browser is another person",
    ["web: cookie=e customer=jose", "web: cookie=e customer=michel"],
    "known customer=jose identified*1 / known customer=michel identified*1 / cookie=e(contested)",
  ),
  unomi.adopt(
    "UN-003",
    "who logs in goes on as that person, and the visitor's id leads there",
    ["web: cookie=m customer=x", "web: cookie=e", "web: cookie=e customer=x"],
    "known customer=x cookie=e cookie=m identified*3",
    {
      says: [
        "cookie=e: visitor -> null (merge)",
        "merged: customer=x, cookie=e",
        "cookie=e is customer=x",
        "cookie=e is no more",
        "customer=x v2: counters.identified identifiers.cookie.e",
      ],
    },
  ),
  unomi.adopt(
    "UN-004",
    "a log-in of somebody new on a person's browser takes nothing from that person's facts",
    ["web: cookie=m customer=a mail:a", "web: cookie=m customer=b mail:b"],
    "known customer=a mail:a identified*1 / known customer=b mail:b identified*1 / cookie=m(contested)",
    { differs: "the browser that both have used is from then on neither's", against: SHARED },
  ),
  unomi.adopt(
    "UN-005",
    "a log-in of somebody known on a person's browser is that somebody's",
    ["web: cookie=m customer=a", "web: cookie=p customer=b", "web: cookie=m customer=b"],
    "known customer=a identified*1 / known customer=b cookie=p identified*2 / cookie=m(contested)",
    { differs: "the browser that both have used is from then on neither's", against: SHARED },
  ),
  unomi.adapt(
    "UN-006",
    "with the log-in all that the visitor did is the person's",
    ["web: cookie=m customer=x", ...Array<string>(5).fill("web: page-viewed cookie=e"), "web: cookie=e customer=x"],
    "known customer=x cookie=e cookie=m identified*2 page-viewed*5",
    {
      differs: "nothing is rewritten by a job: facts stay under their identifier, and the profile is their sum at once",
    },
  ),
  unomi.adapt(
    "UN-009",
    "what a person said logged in stands, whatever visitors said who turn out to be the same",
    [
      "web: customer=m city:A",
      "web: cookie=s1 city:B",
      "web: cookie=s2 city:",
      "web: cookie=s1 customer=m",
      "web: cookie=s2 customer=m",
    ],
    "known customer=m cookie=s1 cookie=s2 city:A",
    {
      differs:
        "theirs takes the last profile's value; ours weighs who said it, then when, and never which was merged last",
    },
  ),
  unomi.adopt(
    "UN-010",
    "counters add up",
    [
      ...Array<string>(3).fill("web: page-viewed customer=m"),
      ...Array<string>(2).fill("web: page-viewed cookie=s"),
      "web: cookie=s customer=m",
    ],
    "known customer=m cookie=s identified*1 page-viewed*5",
  ),
  unomi.adapt(
    "UN-012",
    "of values with the same weight the latest stands",
    [
      "web: cookie=s1 lang:de",
      "web: customer=m? lang:fr",
      "web: cookie=s2",
      "web: cookie=s1 customer=m",
      "web: cookie=s2 customer=m",
    ],
    "known customer=m cookie=s1 cookie=s2 lang:fr",
    { differs: "theirs goes by the list of profiles, which would give `de`; ours by the instant of each value" },
  ),
  unomi.adopt(
    "UN-021",
    "no name, a test persona and an anonymous visitor link nothing",
    ["web: cookie=e customer=", "web: cookie=persona customer=x", "web: cookie=anonymous customer=x"],
    "cookie=e / known customer=x",
    { junk: ["persona"] },
  ),
  unomi.adopt(
    "UN-023",
    "a segment that is defined later holds whoever did before what it asks for",
    ["web: order-placed customer=p"],
    "known customer=p",
    { note: "the log is folded again under the new rules" },
  ),
  unomi.adopt(
    "UN-025",
    "who is loaded from history enters the segment of a window of days, and leaves it by time alone",
    ["web: order-placed customer=p"],
    "known customer=p",
    { note: "loading history is evaluated as it is folded, and its transition says so; no sweep has to find it" },
  ),
  snowplow.adopt(
    "SN-002",
    "of two that become one the older goes on, and the other is told as merged into it",
    ["web: cookie=c1 customer=alice", "app: device=i1", "app: device=i1 customer=alice"],
    "known customer=alice cookie=c1 device=i1",
    {
      says: [
        "device=i1: visitor -> null (merge)",
        "merged: customer=alice, device=i1",
        "device=i1 is customer=alice",
        "device=i1 is no more",
        "customer=alice v2: counters.identified identifiers.device.i1",
      ],
      note: "each merge is told once, by itself; all of them together are the history",
    },
  ),
  snowplow.adopt(
    "SN-003",
    "a device that two have used makes no one person of them",
    ["app: device=i1 customer=alice", "app: device=i1 customer=bob"],
    "known customer=alice / known customer=bob / device=i1(contested)",
    { differs: "the device hangs on neither: it has a profile of its own from the second log-in on", against: SHARED },
  ),
  snowplow.adopt(
    "SN-004",
    "what nobody did on a device that two have used goes to one and the same third profile",
    ["app: device=i1 customer=alice", "app: device=i1 customer=bob", "app: device=i1", "app: device=i1"],
    "known customer=alice identified*1 / known customer=bob identified*1 / device=i1(contested) identified*2",
  ),
  rudderstack.adopt(
    "RS-002",
    "what is told again is dropped before it is applied",
    ["web: cookie=anon customer=user", "again"],
    "known customer=user cookie=anon identified*1",
    { outcomes: ["e0 duplicate"], says: [] },
  ),
  cohorts.adopt(
    "PC-001",
    "two members that become one stay a member, with the later of what was due",
    ["web: checkout-started customer=t", "web: checkout-started cookie=s", "web: cookie=s customer=t"],
    "known customer=t cookie=s checkout-started*2 identified*1",
    {
      says: [
        "cookie=s: prospect -> null (merge)",
        "merged: customer=t, cookie=s",
        "cookie=s is customer=t",
        "cookie=s is no more",
        "customer=t v2: counters.checkout-started counters.identified identifiers.cookie.s",
      ],
      differs: "the person makes no transition; the profile that ends makes one to nothing, as in PC-002",
      against: "section 6: in a merge the absorbed id gets `to: null`",
    },
  ),
  cohorts.adapt(
    "PC-002",
    "who takes over a member enters the segment, and the member leaves it",
    ["web: page-viewed customer=t?", "web: checkout-started cookie=s", "web: cookie=s customer=t?"],
    "customer=t cookie=s",
    {
      says: [
        "cookie=s: prospect -> null (merge)",
        "merged: customer=t, cookie=s",
        "cookie=s is customer=t",
        "customer=t: visitor -> prospect (merge)",
        "cookie=s is no more",
        "customer=t v2: counters.checkout-started counters.identified identifiers.cookie.s segment",
      ],
      differs: "theirs drops the member in silence; ours tells that it is in no segment, so that a reader can drop it",
    },
  ),
  kafkaFlow.adopt(
    "KF-001",
    "a shard's former owner is refused by the store and publishes nothing",
    ["web: cookie=anon", "web: cookie=anon customer=d"],
    "known customer=d cookie=anon",
  ),
];
