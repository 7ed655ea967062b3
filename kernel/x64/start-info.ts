// The records that a PVH loader hands over in physical memory. Each function takes the physical
// address of the record.

import { physicalLoad32, physicalLoad64 } from "./x64";

/** struct hvm_start_info. */
@final
export class StartInfo {
  static readonly BYTES: u64 = 56;

  static moduleCount(at: u64): u32 {
    return physicalLoad32(at + 12);
  }

  /** Physical address of the first `BootModule`. */
  static moduleList(at: u64): u64 {
    return physicalLoad64(at + 16);
  }

  /** Physical address of the command line, zero-terminated; 0: there is none. */
  static commandLine(at: u64): u64 {
    return physicalLoad64(at + 24);
  }

  /** Physical address of the first `MemoryMapEntry`. */
  static memoryMap(at: u64): u64 {
    return physicalLoad64(at + 40);
  }

  static memoryMapEntries(at: u64): u32 {
    return physicalLoad32(at + 48);
  }
}

/** struct hvm_modlist_entry: a file that the loader put into memory. */
@final
export class BootModule {
  static readonly BYTES: u64 = 32;

  static address(at: u64): u64 {
    return physicalLoad64(at);
  }

  static length(at: u64): u64 {
    return physicalLoad64(at + 8);
  }
}

/** struct hvm_memmap_table_entry: a range of physical memory and its kind. */
@final
export class MemoryMapEntry {
  static readonly BYTES: u64 = 24;

  static address(at: u64): u64 {
    return physicalLoad64(at);
  }

  static length(at: u64): u64 {
    return physicalLoad64(at + 8);
  }

  static isUsable(at: u64): bool {
    return physicalLoad32(at + 16) === 1;
  }
}
