// The story: one week of a dozen people, as the events that their channels send, and the questions that are put to the
// records after each scene. The answers stand nowhere here.

import {
  BROKEN_APP,
  CLAIRE,
  HUGO,
  INES,
  KARIM,
  LANDLINE,
  LEILA,
  LEO,
  MARIE,
  NADIA,
  PAUL,
  TABLET,
  THOMAS,
  YANN,
  ZOE,
} from "./cast.ts";
import { cart, order, type Scene, SceneWriter, traits } from "./scene.ts";

const ANY = ["web", "app"];
const FILE = ["store"];
const ALONE: readonly string[] = [];

/** The same scenes each time. */
export function tellStory(): readonly Scene[] {
  const story = new SceneWriter();
  tellMonday(story);
  tellTuesday(story);
  tellWednesday(story);
  tellThursday(story);
  tellFriday(story);
  return story.scenes;
}

/** A cash sale in the last minutes: who pays is nobody known, and up to then the till's file is complete. */
function closeTill(story: SceneWriter, day: string, orderId: string): void {
  story.sell(`${day} 19:58`, {}, order(orderId, 450, "TEA-01"));
}

function tellMonday(story: SceneWriter): void {
  const visit = story.send("web", "Mon 09:14", "page-viewed", MARIE.laptop);
  story.send("web", "Mon 09:16", "searched", MARIE.laptop, { search: { query: "rain jacket", results: 12 } });
  story.send("web", "Mon 09:22", "product-viewed", MARIE.laptop, { product: { productId: "JKT-22" } });
  const filled = story.send("web", "Mon 09:31", "product-added", MARIE.laptop, cart(12_900, "JKT-22"));
  story.play("Mon 09:00", "Mon 09:40", ANY, [
    { ask: "arrived", about: visit },
    { ask: "moved", about: filled },
  ]);

  const logIn = story.send("web", "Mon 12:18", "identified", MARIE.account, traits({ firstName: "Marie" }));
  story.send("web", "Mon 12:21", "checkout-started", MARIE.account, cart(12_900, "JKT-22"));
  const ordered = story.send("web", "Mon 12:24", "order-placed", MARIE.account, order("W-1041", 12_900, "JKT-22"));
  story.play("Mon 12:10", "Mon 12:30", ANY, [
    { ask: "recognised", about: logIn },
    { ask: "moved", about: ordered },
  ]);

  story.send("web", "Mon 17:05", "page-viewed", TABLET);
  story.send("web", "Mon 17:08", "product-viewed", TABLET, { product: { productId: "BOOT-07" } });
  const hugo = story.send("web", "Mon 17:12", "identified", HUGO.account, traits({ firstName: "Hugo" }));
  story.send("web", "Mon 17:20", "product-viewed", HUGO.account, { product: { productId: "BOOT-09" } });
  story.send("web", "Mon 17:26", "identified", KARIM.account, traits({ firstName: "Karim" }));
  const karim = story.send("web", "Mon 17:31", "order-placed", KARIM.account, order("W-1055", 7_450, "BAG-03"));
  story.send("web", "Mon 17:33", "checkout-started", ZOE.guest, cart(3_900, "CAP-11"));
  story.send("web", "Mon 17:35", "order-placed", ZOE.guest, { ...order("W-1056", 3_900, "CAP-11") });
  story.play("Mon 17:00", "Mon 17:40", ANY, [
    { ask: "recognised", about: hugo },
    { ask: "moved", about: karim },
  ]);
}

function tellTuesday(story: SceneWriter): void {
  const bought = story.sell(
    "Mon 18:22",
    { ...MARIE.card, ...MARIE.email },
    { ...order("S-7001", 24_000, "JKT-31"), ...traits({ city: "Nantes" }) },
  );
  story.sell("Mon 10:05", THOMAS.card, { ...order("S-6980", 1_990, "SOCK-02"), ...traits({ firstName: "Thomas" }) });
  closeTill(story, "Mon", "S-7009");
  story.play("Tue 05:30", "Tue 05:40", FILE, [{ ask: "arrived", about: bought }]);

  story.send("crm", "Tue 08:00", "traits-changed", NADIA.contact, traits({ firstName: "Nadia" }));
  story.send("crm", "Tue 08:00", "traits-changed", PAUL.contact, traits({ firstName: "Paul" }));
  story.send("crm", "Tue 08:01", "traits-changed", YANN.contact, traits({ firstName: "Yann" }));
  story.send("crm", "Tue 08:01", "traits-changed", CLAIRE.contact, traits({ firstName: "Claire" }));
  story.play("Tue 08:00", "Tue 08:10", ["crm"]);

  const typed = story.send(
    "web",
    "Tue 20:05",
    "consent-changed",
    { ...MARIE.account, ...MARIE.email },
    { consents: [{ purpose: "newsletter", channel: "email", granted: true, proof: "form-2026-02" }] },
  );
  story.play("Tue 20:00", "Tue 20:10", ANY, [
    { ask: "apart", about: typed, namespace: "email", value: MARIE.email.email },
  ]);

  const ines = story.send("web", "Tue 21:10", "identified", INES.account, traits({ firstName: "Inès" }));
  story.send("web", "Tue 21:14", "product-viewed", INES.account, { product: { productId: "BOOT-09" } });
  story.play("Tue 21:00", "Tue 21:20", ANY, [
    { ask: "shared", about: ines, namespace: "cookie", value: TABLET.cookie },
  ]);
}

function tellWednesday(story: SceneWriter): void {
  const again = story.sell("Tue 16:40", THOMAS.card, order("S-7024", 2_990, "HAT-05"));
  closeTill(story, "Tue", "S-7031");
  story.play("Wed 05:30", "Wed 05:40", FILE, [{ ask: "moved", about: again }]);

  const clicked = story.send("email", "Wed 08:06", "message-clicked", LEILA.email, {
    message: { messageId: "m-88", campaignId: "spring" },
    ...traits({ firstName: "Leïla" }),
  });
  story.play("Wed 08:00", "Wed 08:10", ["email"], [{ ask: "arrived", about: clicked }]);

  const united = story.send(
    "crm",
    "Wed 10:00",
    "traits-changed",
    { ...MARIE.contact, ...MARIE.email, ...MARIE.phone },
    {
      ...traits({ firstName: "Marie", lastName: "Lefort" }),
      consents: [{ purpose: "marketing", channel: "sms", granted: true, proof: "card-form-2099000017" }],
    },
  );
  story.play("Wed 10:00", "Wed 10:10", ["crm"], [{ ask: "merged", about: united }]);

  story.send("call-centre", "Wed 11:40", "called", MARIE.phone);
  story.send("call-centre", "Wed 11:43", "case-opened", MARIE.phone, {
    case: { caseId: "Q-310", motive: "delivery", channel: "phone", status: "open" },
  });
  story.send("call-centre", "Wed 11:52", "called", LANDLINE);
  story.play("Wed 11:40", "Wed 11:55", ANY, [
    { ask: "looked-up", at: "Wed 11:40", namespace: "phone", value: MARIE.phone.phone },
    { ask: "looked-up", at: "Wed 11:52", namespace: "phone", value: LANDLINE.phone },
  ]);

  story.send("app", "Wed 20:10", "identified", MARIE.app);
  const third = story.send("app", "Wed 20:16", "order-placed", MARIE.app, order("A-2001", 31_000, "TENT-02"));
  story.send("app", "Wed 20:20", "identified", LEO.app, traits({ firstName: "Léo" }));
  story.send("app", "Wed 20:22", "product-viewed", LEO.app, { product: { productId: "LAMP-04" } });
  story.send("app", "Wed 20:24", "order-placed", LEO.app, order("A-2002", 2_450, "LAMP-04"));
  story.send("app", "Wed 20:29", "order-cancelled", LEO.app, { order: { orderId: "A-2002" } });
  const broken = story.send("app", "Wed 20:30", "page-viewed", BROKEN_APP);
  story.play("Wed 20:00", "Wed 20:40", ANY, [
    { ask: "ordered", about: third },
    { ask: "refused", about: broken },
  ]);
}

function tellThursday(story: SceneWriter): void {
  closeTill(story, "Wed", "S-7048");
  story.play("Thu 05:30", "Thu 05:40", FILE);

  const returned = story.send("web", "Thu 12:10", "order-returned", KARIM.account, {
    order: { orderId: "W-1055", lines: [{ productId: "BAG-03", quantity: 1, unitPriceMinor: 7_450 }] },
  });
  story.play("Thu 12:00", "Thu 12:20", ANY, [{ ask: "moved", about: returned }]);

  story.send("web", "Thu 18:36", "page-viewed", NADIA.account);
  story.send("web", "Thu 18:38", "product-viewed", NADIA.account, { product: { productId: "BOOT-07" } });
  story.send("web", "Thu 18:41", "product-added", NADIA.account, cart(8_990, "BOOT-07"));
  story.send("web", "Thu 18:43", "page-viewed", PAUL.account);
  story.send("web", "Thu 18:46", "product-added", PAUL.account, cart(5_990, "BAG-08"));
  story.send("web", "Thu 18:52", "checkout-started", PAUL.account, cart(5_990, "BAG-08"));
  const carts = { namespace: "customer", values: [NADIA.account.customer, PAUL.account.customer] };
  story.play("Thu 18:30", "Thu 18:55", ANY, [{ ask: "carted", ...carts }]);

  const fourth = story.send("app", "Thu 21:03", "order-placed", MARIE.app, order("A-2017", 15_000, "MAT-01"));
  story.play("Thu 21:00", "Thu 21:10", ANY, [{ ask: "ordered", about: fourth }]);
}

function tellFriday(story: SceneWriter): void {
  closeTill(story, "Thu", "S-7066");
  story.play("Fri 05:30", "Fri 05:40", FILE);

  story.send("web", "Fri 12:12", "page-viewed", MARIE.account);
  const fifth = story.send("web", "Fri 12:15", "order-placed", MARIE.account, order("W-1093", 22_150, "STOVE-01"));
  story.play("Fri 12:00", "Fri 12:20", ANY, [{ ask: "promoted", about: fifth }]);
  const repeated = story.repeat(fifth, "Fri 12:31");
  story.play("Fri 12:30", "Fri 12:40", ALONE, [{ ask: "repeated", about: repeated }]);

  story.send("web", "Fri 19:02", "product-viewed", LEILA.laptop, { product: { productId: "CAP-12" } });
  story.send("web", "Fri 19:05", "checkout-started", { ...LEILA.laptop, ...LEILA.email }, cart(4_400, "CAP-12"));
  const guest = story.send(
    "web",
    "Fri 19:07",
    "order-placed",
    { ...LEILA.laptop, ...LEILA.email },
    order("W-1101", 4_400, "CAP-12"),
  );
  story.play("Fri 19:00", "Fri 19:10", ANY, [
    { ask: "moved", about: guest },
    { ask: "awaited", namespace: "customer", values: [NADIA.account.customer, PAUL.account.customer] },
  ]);

  const inStore = story.sell("Fri 11:05", NADIA.card, order("S-7090", 8_990, "BOOT-07"));
  story.sell("Fri 15:20", THOMAS.card, order("S-7102", 1_290, "SOCK-04"));
  closeTill(story, "Fri", "S-7118");
  story.play("Sat 05:30", "Sat 05:40", FILE, [
    { ask: "spared", about: inStore },
    { ask: "reminded", namespace: "customer", value: PAUL.account.customer },
  ]);
  story.play("Sat 12:00", "Sat 12:05", ALONE);
}
