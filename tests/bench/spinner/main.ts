let turns: u64 = 0;

export function main(): void {
  while (true) turns++;
}
