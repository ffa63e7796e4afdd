// Currencies of ISO 4217, those withdrawn since 2000 among them (events may be of then), and what an event calls one. A list
// of its own: which ones a machine knows is not for the engine to depend on (T1).

const CODES: ReadonlySet<string> = new Set(
  [
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF",
    "CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL",
    "HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD",
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR",
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD",
    "TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XDR XOF XPF XSU YER ZAR ZMW ZWG ZWL",
    "AFA ATS AZM BEF BGL BYB BYR CSD CYP DEM ECS EEK ESP FIM FRF GHC GRD IEP ITL LTL LUF LVL MGF MRO MTL MZM NLG PTE",
    "ROL SDD SIT SKK SRG STD TMM TPE TRL VEB VEF YUM ZMK ZWD ZWN ZWR",
  ].flatMap((codes) => codes.split(" ")),
);

/** In capitals; null: it says none. Whether it is one, the door has seen (findMoneyFault). */
export function readCurrency(told: string | null | undefined): string | null {
  const code = (told ?? "").trim().toUpperCase();
  return code === "" ? null : code;
}

export function isCurrency(code: string): boolean {
  return CODES.has(code);
}
