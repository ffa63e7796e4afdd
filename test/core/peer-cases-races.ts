// What PostHog promises of people who share a browser, of chains, races, crashes and limits, in our words; see
// peer-cases-posthog.ts.

import { casesOf, type PeerCase } from "#support/peer-cases.ts";

const { adopt, adapt } = casesOf("PostHog");
/** As many traits as are kept under one identifier. */
const MANY = Array.from({ length: 128 }, (_, i) => `a${String(i).padStart(3, "0")}:1`).join(" ");

export const POSTHOG_RACES: readonly PeerCase[] = [
  adopt(
    "PH-043",
    "two people on one browser stay two, also when the first logs in again",
    [
      "web: cookie=anon",
      "web: cookie=anon customer=userA",
      "web: customer=userA",
      "web: cookie=dev2",
      "web: cookie=dev2 customer=userB",
      "web: customer=userB",
      "web: customer=userA customer=userB",
    ],
    "known customer=userA cookie=anon / known customer=userB cookie=dev2",
  ),
  adapt(
    "PH-045",
    "a visitor whom two claim at once is neither's, whoever comes first",
    ["web: customer=userB", "web: cookie=anon customer=userA", "app: cookie=anon customer=userB"],
    "known customer=userA / known customer=userB / cookie=anon(contested)",
    { differs: "theirs goes to whoever commits first; here both claims are evidence, and one excludes the other" },
  ),
  adopt(
    "PH-050",
    "a chain of links makes one person, and the first one's values stand",
    [
      "web: customer=u1 name:1 age:30",
      "web: customer=u1 nn:1u",
      "web: email=u2@x.fr name:2",
      "web: email=u2@x.fr nn:2u",
      "web: customer=u1 email=u2@x.fr",
      "web: email=u2@x.fr social=u3",
    ],
    "known customer=u1 email=u2@x.fr social=u3 age:30 name:1 nn:1u",
  ),
  adopt(
    "PH-051",
    "the chain told from its other end makes the same person",
    [
      "web: customer=u1 name:1",
      "web: email=u2@x.fr name:2",
      "web: email=u2@x.fr social=u3",
      "web: customer=u1 email=u2@x.fr",
    ],
    "known customer=u1 email=u2@x.fr social=u3 name:1",
  ),
  adopt(
    "PH-056",
    "a link whose source has moved meanwhile finds it where it is",
    ["web: email=a@x.fr", "web: customer=b?", "web: customer=b email=a@x.fr"],
    "known customer=b email=a@x.fr",
    { race: true },
  ),
  adopt(
    "PH-057",
    "a link whose target has moved meanwhile finds it where it is",
    ["web: customer=b?", "web: email=a@x.fr", "web: customer=b email=a@x.fr"],
    "known customer=b email=a@x.fr",
    { race: true },
  ),
  adopt(
    "PH-059",
    "two links of one source at once make one person of all three",
    [
      "web: email=a@x.fr",
      "web: customer=b?",
      "web: social=c",
      "web: customer=b email=a@x.fr",
      "app: email=a@x.fr social=c",
    ],
    "known customer=b email=a@x.fr social=c",
    { race: true },
  ),
  adopt(
    "PH-063",
    "what a visitor said before a link does not overwrite the person's own value, whenever it arrives",
    ["web: customer=t k:B", "web: email=s@x.fr k:A", "crm: customer=t email=s@x.fr"],
    "known customer=t email=s@x.fr k:B",
    { note: "by who said it; of two values with the same assurance the one that occurred later stands, see UN-012" },
  ),
  adopt(
    "PH-064",
    "what is said after a link under the identifier that moved is the newest value",
    ["web: customer=t k:B", "web: email=s@x.fr", "crm: customer=t email=s@x.fr", "crm: email=s@x.fr k:v"],
    "known customer=t email=s@x.fr k:v",
  ),
  adopt(
    "PH-066",
    "whoever still knew the profile that ended does not bring it back",
    ["web: email=s1@x.fr email=s2@x.fr", "web: customer=t", "web: customer=t email=s1@x.fr"],
    "known customer=t email=s1@x.fr email=s2@x.fr",
    {
      race: true,
      says: [
        "email=s1@x.fr: prospect -> null (merge)",
        "merged: customer=t, email=s1@x.fr",
        "email=s1@x.fr is customer=t",
        "email=s1@x.fr is no more",
        "customer=t v2: counters.identified identifiers.email.s1@x.fr identifiers.email.s2@x.fr",
      ],
    },
  ),
  adopt(
    "PH-067",
    "a link whose commit is refused leaves nothing behind",
    ["web: customer=t? own:x", "web: email=s1@x.fr email=s2@x.fr a:1"],
    "customer=t own:x / email=s1@x.fr email=s2@x.fr a:1",
    { note: "the link stays on the log: whoever takes the shard over folds it" },
  ),
  adapt(
    "PH-069",
    "two with as many traits as may be kept become one and keep all",
    ["web: customer=t? k:B", `web: email=s@x.fr ${MANY}`, "web: customer=t email=s@x.fr"],
    `known customer=t email=s@x.fr ${MANY} k:B`,
    { differs: "the limit is on what is kept under one identifier, so a link drops no value and needs no warning" },
  ),
  adopt(
    "PH-070",
    "a crash in the middle of a link loses nothing of it",
    ["web: customer=t? k:B", "web: email=s@x.fr a:1", "web: customer=t email=s@x.fr"],
    "known customer=t email=s@x.fr a:1 k:B",
    {
      race: true,
      note: "one commit where both have one home, else a hand-over over the log, which waits in the outbox",
    },
  ),
  adapt(
    "PH-071",
    "a crash in the middle of a link, and its repetition, keep the visitor's values",
    ["web: customer=t?", "web: email=s@x.fr a:1", "web: customer=t email=s@x.fr z:9", "again"],
    "known customer=t email=s@x.fr a:1 z:9",
    {
      race: true,
      outcomes: ["e2 duplicate"],
      differs: "theirs lost them for ever; here identifiers and values move together, and a repetition is a copy",
    },
  ),
  adopt(
    "PH-073",
    "the commit comes first, what it says after it, and the position moves with what is said",
    ["web: customer=d", "web: cookie=anon customer=d"],
    "known customer=d cookie=anon",
  ),
  adopt(
    "PH-078",
    "many links to one person in one batch give what one after the other gives",
    [
      "web: customer=u k:t",
      "web: cookie=a1 k:1 x:1",
      "web: cookie=a2 x:2 y:2",
      "web: cookie=a1 customer=u",
      "web: cookie=a1 customer=u",
      "web: customer=u customer=u",
      "web: cookie=anonymous customer=u",
      "web: cookie=a2 customer=u",
      "web: cookie=a3 customer=u",
    ],
    "known customer=u cookie=a1 cookie=a2 cookie=a3 k:t x:2 y:2",
    {
      together: 6,
      says: [
        "customer=u v2: counters.identified identifiers.cookie.a3",
        "cookie=a1: visitor -> null (merge)",
        "merged: customer=u, cookie=a1",
        "cookie=a1 is customer=u",
        "cookie=a2: visitor -> null (merge)",
        "merged: customer=u, cookie=a2",
        "cookie=a2 is customer=u",
        "cookie=a1 is no more",
        "customer=u v3: counters.identified identifiers.cookie.a1 identifiers.cookie.a2 traits.x traits.y",
        "cookie=a2 is no more",
      ],
      differs:
        "x is the visitor's who said it later, not of whoever was linked first; links that hand over are a second step",
      against:
        "P3: of values with one rank the latest occurredAt stands; section 4, hand-over: it leaves with the outbox of a commit",
    },
  ),
];
