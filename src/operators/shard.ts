import type { PositionMap, StepSpec } from '../stream/spec.ts'

export interface ShardParams {
  readonly shards: number
  readonly index: number
}

export const shardSpec: StepSpec<ShardParams> = {
  op: 'shard',
  kind: 'row',
  rows: 'fewer',
  summary: 'Keeps every n-th element, from the index-th on.',
  tfData: 'shard',
  structure: ({ shards, index }) => ({ shards, index }),
  cardinality: ({ shards, index }, [n]) =>
    n === undefined ? undefined : countOf(n, shards, index),
  noop: ({ shards }) => shards === 1,
  merge: (own, above): ShardParams => ({
    shards: own.shards * above.shards,
    index: above.index + above.shards * own.index,
  }),
  view: ({ shards, index }, length): PositionMap => ({
    length: countOf(length, shards, index),
    emit: (i) => `${i} * ${shards} + ${index}`,
    at: (i) => i * shards + index,
  }),
  state: () => [0],
  emit: ({ shards, index }, g) => {
    const n = g.state(0)
    const mine = g.own('mine')
    return `const ${mine} = ${n} === ${index}; ${n} = ${n} + 1 === ${shards} ? 0 : ${n} + 1; if (!${mine}) ${g.drop}`
  },
  step:
    ({ shards, index }, env, next) =>
    (x) => {
      const n = Number(env.get(0))
      env.set(0, n + 1 === shards ? 0 : n + 1)
      if (n === index) next(x)
    },
}

function countOf(n: number, shards: number, index: number): number {
  return n === Infinity ? n : Math.max(0, Math.ceil((n - index) / shards))
}
