/** The ONNX file format: a model's parts to bytes, and the metadata of such bytes back. */

import { DataError } from '../../errors/index.ts'
import { typeCode } from './graph.ts'
import type { Attribute, Constant, GraphNode, Value } from './graph.ts'
import { ProtoWriter, protoFields } from './proto.ts'

/** Opset of the standard operators; every runtime since 2022 has it. */
const OPSET = 17
const IR_VERSION = 8

export interface ModelParts {
  readonly nodes: readonly GraphNode[]
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly constants: readonly Constant[]
  readonly metadata: Readonly<Record<string, string>>
}

export function encodeModel(parts: ModelParts): Uint8Array {
  const graph = new ProtoWriter()
  for (const node of parts.nodes) graph.message(1, encodeNode(node))
  graph.string(2, 'millstream')
  for (const constant of parts.constants) graph.message(5, encodeTensor(constant))
  for (const input of parts.inputs) graph.message(11, encodeValue(input))
  for (const output of parts.outputs) graph.message(12, encodeValue(output))

  const model = new ProtoWriter().int(1, IR_VERSION).string(2, 'millstream').message(7, graph)
  model.message(8, new ProtoWriter().string(1, '').int(2, OPSET))
  for (const domain of new Set(parts.nodes.map((node) => node.domain)))
    if (domain !== '') model.message(8, new ProtoWriter().string(1, domain).int(2, 1))
  for (const [key, value] of Object.entries(parts.metadata))
    model.message(14, new ProtoWriter().string(1, key).string(2, value))
  return model.finish()
}

/**
 * The metadata entries of an ONNX file.
 *
 * @throws DataError when the bytes are not a protocol buffer message.
 */
export function readMetadata(bytes: Uint8Array): Record<string, string> {
  const decode = new TextDecoder()
  const found = new Map<string, string>()
  try {
    for (const { field, value } of protoFields(bytes)) {
      if (field !== 14 || typeof value === 'bigint') continue
      const entry = ['', '']
      for (const part of protoFields(value))
        if (typeof part.value !== 'bigint') entry[part.field - 1] = decode.decode(part.value)
      found.set(entry[0] ?? '', entry[1] ?? '')
    }
  } catch (error) {
    throw new DataError('This is not an ONNX file, or it is cut short', { cause: error })
  }
  return Object.fromEntries(found)
}

function encodeNode(node: GraphNode): ProtoWriter {
  const out = new ProtoWriter()
  for (const name of node.inputs) out.string(1, name)
  for (const name of node.outputs) out.string(2, name)
  out.string(3, `${node.outputs[0]}`).string(4, node.op)
  for (const [name, value] of Object.entries(node.attributes))
    out.message(5, encodeAttribute(name, value))
  if (node.domain !== '') out.string(7, node.domain)
  return out
}

function encodeAttribute(name: string, value: Attribute): ProtoWriter {
  const out = new ProtoWriter().string(1, name)
  if (typeof value === 'number') return out.int(3, value).int(20, 2)
  if (typeof value === 'string') return out.string(4, value).int(20, 3)
  if ('f' in value) return out.float(2, value.f).int(20, 1)
  return out.packed(8, value).int(20, 7)
}

function encodeTensor(constant: Constant): ProtoWriter {
  const { buffer, byteOffset, byteLength } = constant.data
  return new ProtoWriter()
    .packed(1, constant.shape)
    .int(2, typeCode[constant.type])
    .string(8, constant.name)
    .bytes(9, new Uint8Array(buffer, byteOffset, byteLength))
}

function encodeValue(value: Value): ProtoWriter {
  const shape = new ProtoWriter()
  for (const dim of value.shape) {
    const known = dim >= 0
    shape.message(1, known ? new ProtoWriter().int(1, dim) : new ProtoWriter().string(2, 'batch'))
  }
  const tensor = new ProtoWriter().int(1, typeCode[value.type]).message(2, shape)
  return new ProtoWriter().string(1, value.name).message(2, new ProtoWriter().message(1, tensor))
}
