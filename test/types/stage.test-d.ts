import { Dataset, inline, stage, threads, type Placed, type Stage } from 'millstream'
import { expectTypeOf, test } from 'vitest'

interface Animal {
  readonly legs: number
}
interface Dog extends Animal {
  readonly name: string
}

const length = stage(import.meta, async (text: string) => text.length)
const legs = stage(import.meta, (animal: Animal) => animal.legs)
const scaled = stage(import.meta, (x: number, local, by: { readonly factor: number }) => {
  expectTypeOf(local.index).toEqualTypeOf<number>()
  return `${x * by.factor}`
})
const stateful = stage(import.meta, {
  setup: async () => ({ seen: new Set<string>() }),
  run: (text: string, { seen }, local) => {
    expectTypeOf(seen).toEqualTypeOf<Set<string>>()
    expectTypeOf(local.random()).toEqualTypeOf<number>()
    return seen.add(text).size
  },
  teardown: (state) => {
    expectTypeOf(state.seen).toEqualTypeOf<Set<string>>()
  },
})
const configured = stage(import.meta, {
  setup: (config: { readonly model: string }) => ({ model: config.model.length }),
  run: (x: number, state) => x + state.model,
})

test('input and output follow from the function', () => {
  expectTypeOf(length).toEqualTypeOf<Stage<string, number>>()
  expectTypeOf(stateful).toEqualTypeOf<Stage<string, number>>()
  expectTypeOf(length.on(threads(2))).toEqualTypeOf<Placed<string, number>>()
  expectTypeOf(scaled.with({ factor: 2 })).toEqualTypeOf<Stage<number, string>>()
  expectTypeOf(configured.with({ model: 'm' })).toEqualTypeOf<Stage<number, number>>()
})

test('map infers the element from a stage, placed or not', () => {
  const words = Dataset.fromArray(['a'])
  expectTypeOf(words.map(length)).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(words.map(length.on(threads(2)))).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(words.map(stateful.on(inline))).toEqualTypeOf<Dataset<number>>()
  const scaledUp = Dataset.range(3).map(scaled.with({ factor: 2 }).on(threads(1)))
  expectTypeOf(scaledUp).toEqualTypeOf<Dataset<string>>()
})

test('inputs are contravariant, outputs covariant', () => {
  const dogs = Dataset.fromArray<Dog>([])
  expectTypeOf(dogs.map(legs.on(threads(1)))).toEqualTypeOf<Dataset<number>>()
  expectTypeOf<Placed<Animal, Dog>>().toExtend<Placed<Dog, Animal>>()
  expectTypeOf<Placed<Dog, Animal>>().not.toExtend<Placed<Animal, Animal>>()
  expectTypeOf<Placed<Dog, Animal>>().not.toExtend<Placed<Dog, Dog>>()
  expectTypeOf<Stage<Animal, Dog>>().toExtend<Stage<Dog, Animal>>()
})

test('what cannot work does not compile', () => {
  // @ts-expect-error: numbers are no text
  Dataset.range(3).map(length.on(threads(1)))
  // @ts-expect-error: numbers are no text
  Dataset.range(3).map(length)
  // @ts-expect-error: a plain function has no address, so no place
  ;((x: number) => x).on(threads(1))
  // @ts-expect-error: it needs its parameters first
  scaled.on(threads(1))
  // @ts-expect-error: a wrong parameter
  scaled.with({ factor: '2' })
  // @ts-expect-error: it takes no parameters
  length.with({})
  // @ts-expect-error: a wrong input
  void length(3)
})
