let _turns: u64 = 0;

export function main(): void {
  while (true) _turns++;
}
