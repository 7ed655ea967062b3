// The part of the structural verifier that compares what a blob says of the kernel with the kernel
// itself: a method's fields bound what the kernel is asked, and its names are what people read.

import { BlobSection, CLASS_KERNEL } from "../../abi/blob";
import { FIRST_PROGRAM_INTERFACE, ObjectType } from "../../abi/object";
import {
  SHA256_CONTEXT_BYTES,
  equals32,
  sha256Begin,
  sha256End,
  sha256Update,
} from "../crypto/sha256";
import {
  KERNEL_INTERFACES,
  KERNEL_INTERFACE_BYTES,
  KERNEL_INTERFACE_COUNT,
} from "../../../build/generated/kernel/interface-digests";
import { Blob, Interface, Method } from "./records";
import { isText, startsWith, stringBytes, stringEquals } from "./strings";

const context: usize = memory.data(112, 8);
const digest: usize = memory.data(32, 8);
if (SHA256_CONTEXT_BYTES > 112) ERROR("the digest's state is too small");
/** What is hashed of a record besides its name. */
const numbers: usize = memory.data(16, 8);

/** An interface of this kernel, in KERNEL_INTERFACES: number in a byte, then 32 bytes of digest. */
const OWN_DIGEST: usize = 1;

/**
 * After `verifyInterfaces`: true if all interfaces of the kernel are there and are this kernel's,
 * no other interface has a number that is the kernel's to give, and the kernel's classes have their
 * names.
 */
export function isOfThisKernel(blob: Blob): bool {
  const count = blob.count(BlobSection.Interfaces);
  if (count < KERNEL_INTERFACE_COUNT) return false;
  for (let i: u32 = 0; i < KERNEL_INTERFACE_COUNT; i++) {
    const known = blob.interfaceAt(i);
    const own = KERNEL_INTERFACES + i * KERNEL_INTERFACE_BYTES;
    if (known.id !== load<u8>(own)) return false;
    hashInterface(blob, known);
    if (!equals32(digest, own + OWN_DIGEST)) return false;
  }
  if (
    count > KERNEL_INTERFACE_COUNT &&
    blob.interfaceAt(KERNEL_INTERFACE_COUNT).id < <u32>FIRST_PROGRAM_INTERFACE
  )
    return false;
  return hasKernelClasses(blob);
}

/**
 * The class of a kernel object is named `kernel.` and the name of its interface. Endpoints have no
 * interface of the kernel's; their class is `kernel.Endpoint`.
 */
function hasKernelClasses(blob: Blob): bool {
  for (let type: u32 = ObjectType.Domain; type <= <u32>ObjectType.System; type++) {
    const name = blob.classOf(type).name;
    if (type === ObjectType.Endpoint) {
      if (!isText(blob, name, "kernel.Endpoint")) return false;
    } else {
      const known = blob.interfaceOf(type);
      if (known === null || !isKernelClass(blob, name, known.name)) return false;
    }
  }
  return isText(blob, blob.classOf(CLASS_KERNEL).name, "kernel");
}

function isKernelClass(blob: Blob, name: u32, interfaceName: u32): bool {
  const expected = blob.string(interfaceName);
  return (
    startsWith(blob, name, "kernel.") &&
    stringEquals(blob.string(name) + 7, expected, stringBytes(expected))
  );
}

/**
 * Leaves in `digest` the SHA-256 of all that an interface says: number, version, methods, errors
 * and its name; for each method fields of request and response and its name; for each field its
 * kind and maximum and its name. Numbers are u32, a maximum u64, names end with a zero.
 */
function hashInterface(blob: Blob, known: Interface): void {
  sha256Begin(context);
  store<u32>(numbers, known.id);
  store<u32>(numbers, known.version, 4);
  store<u32>(numbers, known.methodCount, 8);
  store<u32>(numbers, known.errorCount, 12);
  hashNumbers(16);
  hashName(blob, known.name);
  for (let i: u32 = 0; i < known.methodCount; i++)
    hashMethod(blob, blob.method(known.firstMethod + i));
  sha256End(context, digest);
}

function hashMethod(blob: Blob, method: Method): void {
  store<u32>(numbers, method.requestFields);
  store<u32>(numbers, method.responseFields, 4);
  hashNumbers(8);
  hashName(blob, method.name);
  for (let i: u32 = 0; i < method.requestFields + method.responseFields; i++) {
    const field = blob.field(method.firstField + i);
    store<u32>(numbers, field.kind);
    store<u64>(numbers, field.max, 4);
    hashNumbers(12);
    hashName(blob, field.name);
  }
}

function hashNumbers(bytes: u32): void {
  sha256Update(context, numbers, bytes);
}

function hashName(blob: Blob, name: u32): void {
  const text = blob.string(name);
  sha256Update(context, text, stringBytes(text) + 1);
}
