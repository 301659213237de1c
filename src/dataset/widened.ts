/** `0` stands for any number: the next state, or cursor, is another one. */
export type Widened<S> = S extends number
  ? number
  : S extends string
    ? string
    : S extends boolean
      ? boolean
      : S
