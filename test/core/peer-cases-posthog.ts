// What PostHog promises of values and links, in our words: test/support/peer-cases.ts reads the steps. A person whom others
// have seen and nobody vouches for is told as claimed; what a client links is a log-in beside a cookie or a typed address;
// what a back office links is said by the crm.

import { casesOf, type PeerCase } from "#support/peer-cases.ts";

const { adopt, adapt } = casesOf("PostHog");

export const POSTHOG_CASES: readonly PeerCase[] = [
  adopt(
    "PH-001",
    "an identifier met for the first time makes one profile, whose id is a function of it",
    ["web: email=new@x.fr"],
    "email=new@x.fr",
    {
      says: [
        "email=new@x.fr: null -> prospect (event)",
        "email=new@x.fr v1: counters.identified identifiers.email.new@x.fr orders.count orders.valid profile.known segment",
      ],
      note: "their version 0, that of a row as it was made, is our 1: versions number what was said of a profile (O2)",
    },
  ),
  adapt(
    "PH-002",
    "one identifier in two deployments never has one profile id",
    ["web: customer=u1"],
    "known customer=u1",
    { differs: "a deployment is one tenant: tenants are told apart by their identity keys" },
  ),
  adopt(
    "PH-003",
    "of a new person, what is set beats what is set once",
    ["web: once customer=u1 a:1 b:2", "web: customer=u1? b:3 c:4"],
    "customer=u1 a:1 b:3 c:4",
  ),
  adopt(
    "PH-004",
    "what is set overwrites, what is set once fills gaps, and both together are one new version",
    ["web: customer=u1? b:3 c:4", "web: once customer=u1 c:3 e:4", "web: customer=u1? b:4"],
    "customer=u1 b:4 c:4 e:4",
    { together: 2, says: ["customer=u1 v2: counters.identified traits.b traits.e"] },
  ),
  adopt(
    "PH-005",
    "an event that sets what is set already changes no trait",
    ["web: customer=u1? b:3 c:4", "web: once customer=u1 c:3", "web: customer=u1? b:3"],
    "customer=u1 b:3 c:4",
    {
      together: 2,
      says: ["customer=u1 v2: counters.identified"],
      differs: "theirs says nothing and writes nothing; here an event is a fact that is counted, and the count is said",
      against:
        "section 5 and P1: counters and the timeline are of the view, which is a function of the distinct events",
    },
  ),
  adopt(
    "PH-010",
    "traits may be named as what every object has",
    [
      "web: customer=u1? __proto__:x constructor:x hasOwnProperty:x toString:x",
      "web: customer=u1? __proto__:1 constructor:1 hasOwnProperty:1 toString:1",
    ],
    "customer=u1 __proto__:1 constructor:1 hasOwnProperty:1 toString:1",
  ),
  adapt(
    "PH-012",
    "any type of event may set a trait",
    ["web: customer=u1? b:3", "web: exception-thrown customer=u1? b:4"],
    "customer=u1 b:4",
    { differs: "there is no lane on which order is lost: the latest occurredAt stands in whatever order events come" },
  ),
  adapt(
    "PH-014",
    "a client cannot attach somebody who is known to a name never seen before",
    ["crm: email=known@x.fr", "web: customer=never-seen email=known@x.fr"],
    "known customer=never-seen / known email=known@x.fr",
    {
      apart: ["email=known@x.fr", "customer=never-seen", "claims-only"],
      differs: "refused as their later store refuses it; instead of a warning the refusal is explained by its evidence",
    },
  ),
  adopt(
    "PH-015",
    "after each event stands what its predecessors and it have left",
    ["web: customer=u1 p:v1", "web: page-viewed customer=u1", "web: customer=u1 p:v2 q:n"],
    "known customer=u1 p:v2 q:n",
    { after: ["known customer=u1 p:v1", "known customer=u1 p:v1", "known customer=u1 p:v2 q:n"] },
  ),
  adopt(
    "PH-017",
    "two who create one person at once make one profile",
    ["web: email=u1@x.fr", "app: email=u1@x.fr"],
    "email=u1@x.fr",
  ),
  adopt(
    "PH-019",
    "what is said of a visitor whom another worker has linked meanwhile lands on the person",
    ["web: customer=user-1? user_prop:kept", "app: cookie=anon-1 customer=user-1", "web: cookie=anon-1 seed:value"],
    "known customer=user-1 cookie=anon-1 seed:value user_prop:kept",
    { race: true },
  ),
  adopt(
    "PH-021",
    "a link of two that nobody knew makes one person",
    ["web: customer=new email=old@x.fr foo:bar"],
    "known customer=new email=old@x.fr foo:bar",
  ),
  adopt(
    "PH-022",
    "a link to a person of an identifier that nobody knew leaves the profile id as it is",
    ["web: customer=new?", "web: customer=new email=old@x.fr"],
    "known customer=new email=old@x.fr",
  ),
  adopt(
    "PH-024",
    "a visitor and a person not yet vouched for become one, under the person's id",
    ["web: cookie=anon", "web: customer=new? mail:e", "web: cookie=anon customer=new"],
    "known customer=new cookie=anon mail:e",
  ),
  adopt(
    "PH-025",
    "of two that become one the known one goes on, at its next version, and the other is told as gone",
    ["web: email=old@x.fr", "web: customer=new", "web: customer=new email=old@x.fr"],
    "known customer=new email=old@x.fr",
    {
      says: [
        "email=old@x.fr: prospect -> null (merge)",
        "merged: customer=new, email=old@x.fr",
        "email=old@x.fr is customer=new",
        "email=old@x.fr is no more",
        "customer=new v2: counters.identified identifiers.email.old@x.fr",
      ],
    },
  ),
  adopt(
    "PH-028",
    "a back office makes one person of two known ones",
    ["crm: email=old@x.fr", "crm: customer=new", "crm: customer=new email=old@x.fr"],
    "known email=old@x.fr customer=new",
    {
      differs: "of two known ones the one vouched for earlier goes on, whichever the link calls its target",
      against: "I6: the id is of the earliest authenticated identifier, so that any order gives the same",
    },
  ),
  adopt(
    "PH-029",
    "the link's values beat the person's, those the visitor's, and those what is set once",
    [
      "web: email=old@x.fr a:1 b:2",
      "web: customer=new b:3 c:4 d:5",
      "web: customer=new email=old@x.fr d:6 e:7",
      "web: once customer=new a:8 f:9",
    ],
    "known customer=new email=old@x.fr a:1 b:3 c:4 d:6 e:7 f:9",
  ),
  adapt(
    "PH-034",
    "a link that holds already says nothing of identity",
    ["web: cookie=anon customer=d", "web: cookie=anon customer=d", "web: cookie=anon customer=d"],
    "known customer=d cookie=anon",
    {
      says: ["customer=d v3: counters.identified"],
      differs: "what was committed is published from the outbox after a crash, so a mapping need not be said again",
    },
  ),
  adopt("PH-035", "a placeholder is nobody's name", ["web: cookie=anon customer=$"], "cookie=anon", {
    each: ["", "   ", "null", "undefined", '"undefined"', "[object Object]", '"[object Object]"'],
    note: "it is left out of the event, which is folded; the warning is that it is counted",
  }),
  adapt(
    "PH-037",
    "NaN is nobody's name, in whatever case",
    [
      "web: cookie=anon",
      "web: customer=NaN",
      "web: cookie=anon customer=NaN",
      "web: customer=Nan",
      "web: cookie=anon customer=Nan",
    ],
    "cookie=anon",
    {
      after: ["cookie=anon", "cookie=anon", "cookie=anon", "cookie=anon", "cookie=anon"],
      outcomes: ["e1 dead-lettered no-identifier", "e3 dead-lettered no-identifier"],
      differs: "junk is junk in any case, so that one spelling of it is not a way round",
    },
  ),
  adopt(
    "PH-039",
    "a value with a NUL in it is no identifier, and the event is folded without it; with one too long to be kept it is refused",
    [
      "web: customer=d",
      `web: customer=d cookie=anon\0one`,
      `web: customer=d cookie=${"x".repeat(401)}`,
      `web: customer=d cookie=anon\0one cookie=${"y".repeat(400)}`,
      `web: customer=d cookie=z cookie=${"x".repeat(401)}`,
    ],
    `known customer=d cookie=${"y".repeat(400)}`,
    { outcomes: ["e2 dead-lettered malformed-identifier", "e4 dead-lettered malformed-identifier"] },
  ),
  adopt(
    "PH-040",
    "a link of one deployment does nothing in another",
    ["web: customer=1 email=2@x.fr", "web: customer=1 email=2@x.fr"],
    "known customer=1 email=2@x.fr",
  ),
  adopt(
    "PH-042",
    "one link after the other adds up",
    ["web: customer=new email=old@x.fr", "web: email=old2@x.fr", "web: customer=new email=old2@x.fr"],
    "known customer=new email=old2@x.fr email=old@x.fr",
  ),
];
