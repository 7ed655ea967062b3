// The processor's time-stamp counter, which every program may read.

export declare function readTsc(): u64;
