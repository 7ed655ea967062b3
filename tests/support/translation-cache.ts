/**
 * A processor's translations of addresses, as far as the kernel must not rely on luck: this cache
 * keeps every translation that the tables ever allowed, for each PCID, until an instruction removes
 * it. Real processors may keep any part of that. So a translation that is still here when the
 * processor is resumed in its space, and that the tables no longer have, is a hole.
 */

const PRESENT = 1n;
const LARGE = 1n << 7n;
const GLOBAL = 1n << 8n;
const NO_FLUSH = 1n << 63n;
/** Frame, present, writable, user, no-execute. */
const MEANING = 0x800f_ffff_ffff_f007n;
const ADDRESS = 0x000f_ffff_ffff_f000n;
const CR4_PGE = 1n << 7n;
const CR4_PCIDE = 1n << 17n;

/** Entries of tables, by level and number of the page: of level 1 those of pages. */
type Translations = Map<string, bigint>;

export class TranslationCache {
  private readonly byPcid = new Map<bigint, Translations>();
  private readonly global: Translations = new Map();
  private readonly words: BigUint64Array;
  private hasPcids = false;
  private hasGlobalPages = false;
  /** Writes of CR3 that kept and that removed translations. */
  kept = 0;
  flushed = 0;

  constructor(
    physical: Uint8Array,
    private space: bigint,
  ) {
    this.words = new BigUint64Array(physical.buffer, 0, physical.length >> 3);
  }

  writeCr4(value: bigint): void {
    const hasPcids = (value & CR4_PCIDE) !== 0n;
    if (hasPcids && !this.hasPcids && (this.cr3 & 0xfffn) !== 0n)
      throw new Error("protection fault: PCIDE is set while CR3 has a PCID");
    this.hasPcids = hasPcids;
    this.hasGlobalPages = (value & CR4_PGE) !== 0n;
  }

  /** What CR3 was written with last, which the kernel keeps in a cell. */
  get loaded(): bigint {
    return this.space;
  }

  /** Writes CR3. */
  loadSpace(value: bigint): void {
    if (!this.hasPcids && (value & NO_FLUSH) !== 0n)
      throw new Error("protection fault: CR3 is written with bit 63, and there are no PCIDs");
    this.space = value;
    if ((value & NO_FLUSH) === 0n) {
      this.flushed += 1;
      this.byPcid.delete(this.pcid);
    } else this.kept += 1;
  }

  /** `invlpg`: the page for this PCID and for all, and this PCID's entries of other tables. */
  invalidatePage(address: bigint): void {
    const key = keyOf(1, address);
    this.global.delete(key);
    const own = this.byPcid.get(this.pcid);
    if (own === undefined) return;
    for (const entry of own.keys()) if (entry === key || !entry.startsWith("1 ")) own.delete(entry);
  }

  /**
   * As the exit stub: writes CR3. Fails on a translation that is no longer that of the tables; then
   * user code runs, and all that the tables allow is kept.
   */
  resume(space: bigint): void {
    if (space !== this.space) this.loadSpace(space);
    const now: Translations = new Map();
    const nowGlobal: Translations = new Map();
    this.walk(this.cr3 & ADDRESS, 4, 0n, now, nowGlobal);
    const own = this.byPcid.get(this.pcid) ?? new Map<string, bigint>();
    refuseStale(own, now, `PCID ${this.pcid}`);
    refuseStale(this.global, nowGlobal, "all PCIDs");
    for (const [key, entry] of now) own.set(key, entry);
    for (const [key, entry] of nowGlobal) this.global.set(key, entry);
    this.byPcid.set(this.pcid, own);
  }

  /** As the processor reads it: bit 63 is none of its bits. */
  private get cr3(): bigint {
    return this.space & ~NO_FLUSH;
  }

  private get pcid(): bigint {
    return this.hasPcids ? this.cr3 & 0xfffn : 0n;
  }

  private walk(
    table: bigint,
    level: number,
    base: bigint,
    found: Translations,
    global: Translations,
  ): void {
    const first = Number(table >> 3n);
    for (let index = 0; index < 512; index++) {
      const entry = this.words[first + index]!;
      if ((entry & PRESENT) === 0n) continue;
      const address = base | (BigInt(index) << BigInt(3 + 9 * level));
      const isPage = level === 1 || (level < 4 && (entry & LARGE) !== 0n);
      const isGlobal = this.hasGlobalPages && isPage && (entry & GLOBAL) !== 0n;
      const target = isGlobal ? global : found;
      target.set(keyOf(level, address), entry & MEANING);
      if (!isPage) this.walk(entry & ADDRESS, level - 1, address, found, global);
    }
  }
}

function keyOf(level: number, address: bigint): string {
  return `${level} ${(BigInt.asUintN(48, address) >> 12n).toString(16)}`;
}

function refuseStale(kept: Translations, now: Translations, whose: string): void {
  for (const [key, entry] of kept)
    if (now.get(key) !== entry)
      throw new Error(
        `stale translation of ${whose}: level and page ${key} is 0x${entry.toString(16)}, the tables have 0x${(now.get(key) ?? 0n).toString(16)}`,
      );
}
