/** Layers that only change the shape. */

import { sizeOf } from '../graph.ts'
import type { Layer } from './layer.ts'

/** Keeps the batch and joins the rest: [n, c, h, w] to [n, c * h * w]. */
export function flatten(): Layer {
  return ({ graph }, x) => {
    const y = graph.reshape(x, [x.shape[0] ?? -1, sizeOf(x.shape.slice(1))])
    return { y, backward: (dy) => ({ x: graph.reshape(dy, x.shape), params: {} }) }
  }
}
