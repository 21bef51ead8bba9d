/** Absent byte fields. A Buffer, as present ones are, so that readers of either see one kind of object. */
export const emptyBytes: Uint8Array = Buffer.alloc(0);
