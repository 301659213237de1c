/** Fully connected layers. */

import { at, sizeOf } from '../graph.ts'
import { param } from './layer.ts'
import type { Layer } from './layer.ts'

/** Weight `w` [out, in], optional bias `b` [out]; works on the last axis. */
export function dense(): Layer {
  return ({ graph }, x, params) => {
    const w = param(params, 'w')
    const { b } = params
    const lead = x.shape.slice(0, -1)
    const rows = lead.includes(-1) ? -1 : sizeOf(lead)
    const [out, inner] = [at(w.shape, 0), at(w.shape, 1)]
    const flat = x.shape.length === 2 ? x : graph.reshape(x, [rows, inner])
    const inputs = b === undefined ? [flat, w] : [flat, w, b]
    const y = graph.node('Gemm', inputs, [rows, out], { transB: 1 })
    return {
      y: x.shape.length === 2 ? y : graph.reshape(y, [...lead, out]),
      backward: (dyShaped) => {
        const dy = graph.reshape(dyShaped, [rows, out])
        const dx = graph.node('Gemm', [dy, w], [rows, inner])
        const dw = graph.node('Gemm', [dy, flat], w.shape, { transA: 1 })
        return {
          x: graph.reshape(dx, x.shape),
          params: { w: dw, ...(b === undefined ? {} : { b: graph.sum(dy, [0]) }) },
        }
      },
    }
  }
}
