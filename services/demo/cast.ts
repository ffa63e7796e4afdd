// The people of the story, by the names that each channel knows them under. All invented: the telephone numbers are of
// the ranges that France keeps for fiction, the addresses of example.com.

export const MARIE = {
  laptop: { cookie: "ck-8d41f0" },
  account: { cookie: "ck-8d41f0", customer: "C-1001" },
  app: { device: "ios-5b1c77", customer: "C-1001" },
  card: { card: "2099000017" },
  email: { email: "marie.lefort@example.com" },
  phone: { phone: "06 39 98 00 17" },
  contact: { "crm-contact": "K-4001", customer: "C-1001", card: "2099000017" },
} as const;

export const NADIA = {
  account: { cookie: "ck-27ae93", customer: "C-1002" },
  card: { card: "2099000024" },
  contact: { "crm-contact": "K-4002", customer: "C-1002", card: "2099000024" },
} as const;

export const PAUL = {
  account: { cookie: "ck-c05f18", customer: "C-1003" },
  contact: { "crm-contact": "K-4003", customer: "C-1003" },
} as const;

/** One tablet, two people. */
export const TABLET = { cookie: "ck-91d3b2" } as const;
export const HUGO = { account: { ...TABLET, customer: "C-1004" } } as const;
export const INES = { account: { ...TABLET, customer: "C-1005" } } as const;

/** One landline, two people. */
export const LANDLINE = { phone: "02 61 91 00 42" } as const;
export const YANN = { contact: { "crm-contact": "K-4004", ...LANDLINE } } as const;
export const CLAIRE = { contact: { "crm-contact": "K-4005", ...LANDLINE } } as const;

export const KARIM = { account: { cookie: "ck-e6700c", customer: "C-1006" } } as const;
export const THOMAS = { card: { card: "2099000031" } } as const;
export const LEILA = {
  laptop: { cookie: "ck-4fb8a1" },
  email: { email: "leila.benali@example.com" },
} as const;
export const ZOE = { guest: { cookie: "ck-b3920e", email: "zoe.martin@example.com" } } as const;
export const LEO = { app: { device: "android-60d2e9", customer: "C-1007" } } as const;

/** What a broken build of the app sends in place of names. */
export const BROKEN_APP = { device: "null", customer: "undefined" } as const;
