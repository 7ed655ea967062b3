// The part of the structural verifier that compares what a blob says of the kernel with the kernel
// itself: a method's fields bound what the kernel is asked, and its names are what people read.

import {
  BlobSection,
  CLASS_BYTES,
  CLASS_KERNEL,
  CLASS_NAME,
  FIELD_BYTES,
  FIELD_KIND,
  FIELD_MAX,
  FIELD_NAME,
  INTERFACE_BYTES,
  INTERFACE_ERROR_COUNT,
  INTERFACE_FIRST_METHOD,
  INTERFACE_ID,
  INTERFACE_METHOD_COUNT,
  INTERFACE_NAME,
  INTERFACE_VERSION,
  METHOD_BYTES,
  METHOD_FIRST_FIELD,
  METHOD_NAME,
  METHOD_REQUEST_FIELDS,
  METHOD_RESPONSE_FIELDS,
} from "../../abi/blob";
import { FIRST_PROGRAM_INTERFACE, ObjectType } from "../../abi/object";
import { isText, startsWith } from "./name";
import {
  KERNEL_INTERFACES,
  KERNEL_INTERFACE_BYTES,
  KERNEL_INTERFACE_COUNT,
} from "../../../build/generated/kernel/interface-digests";
import { countOf, interfaceEntryIn, sectionOf, stringBytes, stringEquals } from "./sections";
import { SHA256_CONTEXT_BYTES, sha256Begin, sha256End, sha256Update } from "../crypto/sha256";

const context: usize = memory.data(112, 8);
const digest: usize = memory.data(32, 8);
if (SHA256_CONTEXT_BYTES > 112) ERROR("the digest's state is too small");
/** What is hashed of an entry besides its name, u32 each. */
const numbers: usize = memory.data(32, 8);

/**
 * After `verifyInterfaces`: all interfaces of the kernel are there, no other has a number of the
 * kernel's, and each is this kernel's.
 */
export function isOfThisKernel(blob: usize): bool {
  const count = countOf(blob, BlobSection.Interfaces);
  if (count < KERNEL_INTERFACE_COUNT) return false;
  for (let i: u32 = 0; i < KERNEL_INTERFACE_COUNT; i++) {
    const entry = sectionOf(blob, BlobSection.Interfaces) + i * INTERFACE_BYTES;
    const own = KERNEL_INTERFACES + i * KERNEL_INTERFACE_BYTES;
    if (load<u32>(entry + INTERFACE_ID) !== load<u8>(own)) return false;
    hashInterface(blob, entry);
    if (memory.compare(digest, own + 1, 32) !== 0) return false;
  }
  if (
    count > KERNEL_INTERFACE_COUNT &&
    load<u32>(
      sectionOf(blob, BlobSection.Interfaces) +
        KERNEL_INTERFACE_COUNT * INTERFACE_BYTES +
        INTERFACE_ID,
    ) < <u32>FIRST_PROGRAM_INTERFACE
  )
    return false;
  return hasKernelClasses(blob);
}

/**
 * A kernel object's class is `kernel.` and the name of its interface; endpoints have none of the
 * kernel's.
 */
function hasKernelClasses(blob: usize): bool {
  for (let type: u32 = ObjectType.Domain; type <= <u32>ObjectType.System; type++) {
    const name = classNameIn(blob, type);
    if (
      type === ObjectType.Endpoint
        ? !isText(blob, name, "kernel.Endpoint")
        : !isKernelClass(blob, name, load<u32>(interfaceEntryIn(blob, type) + INTERFACE_NAME))
    )
      return false;
  }
  return isText(blob, classNameIn(blob, CLASS_KERNEL), "kernel");
}

function isKernelClass(blob: usize, name: u32, interfaceName: u32): bool {
  const spoken = sectionOf(blob, BlobSection.Strings) + interfaceName;
  return (
    startsWith(blob, name, "kernel.") &&
    stringEquals(sectionOf(blob, BlobSection.Strings) + name + 7, spoken, stringBytes(spoken))
  );
}

function classNameIn(blob: usize, classId: u32): u32 {
  return load<u32>(sectionOf(blob, BlobSection.Classes) + classId * CLASS_BYTES + CLASS_NAME);
}

/**
 * SHA-256 of all that an interface says: number, version, methods, errors and its name; for each
 * method fields of request and response and its name; for each field its kind and maximum and its
 * name. Numbers are u32, a maximum u64, names end with a zero.
 */
function hashInterface(blob: usize, entry: usize): void {
  sha256Begin(context);
  const methods = load<u32>(entry + INTERFACE_METHOD_COUNT);
  store<u32>(numbers, load<u32>(entry + INTERFACE_ID));
  store<u32>(numbers, load<u32>(entry + INTERFACE_VERSION), 4);
  store<u32>(numbers, methods, 8);
  store<u32>(numbers, load<u32>(entry + INTERFACE_ERROR_COUNT), 12);
  hash(blob, 16, load<u32>(entry + INTERFACE_NAME));
  for (let i: u32 = 0; i < methods; i++)
    hashMethod(
      blob,
      sectionOf(blob, BlobSection.Methods) +
        (load<u32>(entry + INTERFACE_FIRST_METHOD) + i) * METHOD_BYTES,
    );
  sha256End(context, digest);
}

function hashMethod(blob: usize, entry: usize): void {
  const requests = load<u32>(entry + METHOD_REQUEST_FIELDS);
  const responses = load<u32>(entry + METHOD_RESPONSE_FIELDS);
  store<u32>(numbers, requests);
  store<u32>(numbers, responses, 4);
  hash(blob, 8, load<u32>(entry + METHOD_NAME));
  for (let i: u32 = 0; i < requests + responses; i++) {
    const field =
      sectionOf(blob, BlobSection.Fields) +
      (load<u32>(entry + METHOD_FIRST_FIELD) + i) * FIELD_BYTES;
    store<u32>(numbers, load<u32>(field + FIELD_KIND));
    store<u64>(numbers, load<u64>(field + FIELD_MAX), 4);
    hash(blob, 12, load<u32>(field + FIELD_NAME));
  }
}

function hash(blob: usize, bytes: u32, name: u32): void {
  sha256Update(context, numbers, bytes);
  const text = sectionOf(blob, BlobSection.Strings) + name;
  sha256Update(context, text, stringBytes(text) + 1);
}
