// The processor's counter of ticks: an instruction that any program may use, since it reads nothing
// of anybody's.

export declare function readTsc(): u64;
