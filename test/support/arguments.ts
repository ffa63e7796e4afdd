// The arguments of a program of this folder: --help says how it is used, and so does a wrong one, which exits 2.

export function readArguments<T>(usage: string, read: () => T): T {
  if (process.argv.includes("--help")) {
    console.log(`usage: ${usage}`);
    process.exit(0);
  }
  try {
    return read();
  } catch (error) {
    return refuseArguments(usage, (error as Error).message);
  }
}

export function refuseArguments(usage: string, problem: string): never {
  console.error(`${problem}\nusage: ${usage}`);
  process.exit(2);
}
