import { Dataset, stage, type Tensor, threads } from 'millstream'
import * as im from 'millstream/image'
import { expectTypeOf, test } from 'vitest'

test('pictures of bytes stay bytes, normalized ones are floats', async () => {
  const photo = await im.decodeImage('a.jpg', { size: 64, decode: 'fast' })
  expectTypeOf(photo).toEqualTypeOf<im.Image>()
  expectTypeOf(im.resize(photo, { width: 4, height: 4 })).toEqualTypeOf<im.Image>()
  expectTypeOf(im.randomFlip(photo, Math.random)).toEqualTypeOf<im.Image>()
  const floats = im.normalize(photo, im.imagenet)
  expectTypeOf(floats).toEqualTypeOf<im.Image<Float32Array>>()
  expectTypeOf(im.adjustHue(floats, 0.1)).toEqualTypeOf<im.Image<Float32Array>>()
  expectTypeOf(im.toTensor(floats).data).toEqualTypeOf<Float32Array>()
})

test('the types flow through stages, batches and mixup', () => {
  const load = stage(import.meta, async (path: string) => {
    const photo = await im.decodeImage(path, { size: 64 })
    return { images: im.toTensor(im.normalize(photo, im.imagenet)), labels: path.length }
  })
  const mixed = Dataset.fromArray(['a.jpg'])
    .map(load.on(threads(2)))
    .batch(8)
    .map((batch, local) => im.cutmix(batch, () => local.random(), { classes: 10 }))
  type Mixed = typeof mixed extends Dataset<infer T> ? T : never
  expectTypeOf<Mixed['images']>().toExtend<Tensor<Float32Array>>()
  expectTypeOf<Mixed['images']['shape']>().toEqualTypeOf<
    readonly [number, number, number, number]
  >()
  expectTypeOf<Mixed['labels']>().toEqualTypeOf<Tensor<Float32Array, readonly [number, number]>>()
})

test('wrong options do not compile', async () => {
  const photo = await im.decodeImage('a.jpg')
  // @ts-expect-error there is no such method
  im.resize(photo, { width: 1, height: 1 }, { method: 'cubic' })
  // @ts-expect-error a size has two sides
  im.centerCrop(photo, { width: 1 })
  // @ts-expect-error pictures have 1, 3 or 4 channels
  await im.decodeImage('a.jpg', { channels: 2 })
})
