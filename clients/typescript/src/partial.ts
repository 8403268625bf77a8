type Whole = Date | Uint8Array | string | number | boolean | bigint | undefined;

/** A message of which any field may be left out; it then has its default. */
export type DeepPartial<T> = T extends Whole
  ? T
  : T extends (infer U)[]
    ? DeepPartial<U>[]
    : { [K in keyof T]?: DeepPartial<T[K]> };
