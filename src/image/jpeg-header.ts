/** What the header of a JPEG file tells, read here: libjpeg says nothing of it to its callers. */

export interface JpegHeader {
  readonly width: number
  readonly height: number
  /** 1 is grey, 3 is colour, 4 is CMYK. */
  readonly components: number
  /** Bits of a number; 8 but in medical files. */
  readonly bits: number
  /** EXIF's orientation, 1 to 8; 1 where there is none. */
  readonly orientation: number
}

const [startOfImage, exifMark, startOfScan] = [0xd8, 0xe1, 0xda]

/** The header of a JPEG file; undefined where it is another file, or damaged before its pixels begin. */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== startOfImage) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let orientation = 1
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return undefined
    const mark = bytes[at + 1] as number
    if (mark === 0xff) {
      at++
      continue
    }
    const length = view.getUint16(at + 2)
    if (length < 2 || at + 2 + length > bytes.length || mark === startOfScan) return undefined
    if (mark === exifMark) orientation = exifOrientation(bytes.subarray(at + 4, at + 2 + length))
    if (isFrame(mark)) return frameAt(view, at + 4, length - 2, orientation)
    at += 2 + length
  }
  return undefined
}

/** Start-of-frame marks; three of their row mean something else. */
function isFrame(mark: number): boolean {
  return mark >= 0xc0 && mark <= 0xcf && mark !== 0xc4 && mark !== 0xc8 && mark !== 0xcc
}

function frameAt(
  view: DataView,
  at: number,
  length: number,
  orientation: number,
): JpegHeader | undefined {
  if (length < 6) return undefined
  return {
    bits: view.getUint8(at),
    height: view.getUint16(at + 1),
    width: view.getUint16(at + 3),
    components: view.getUint8(at + 5),
    orientation,
  }
}

const orientationTag = 0x0112

/** The orientation in an EXIF segment; 1 where it tells none that there is. */
function exifOrientation(segment: Uint8Array): number {
  const start = 'Exif\0\0'
  if (String.fromCharCode(...segment.subarray(0, start.length)) !== start) return 1
  const tiff = segment.subarray(start.length)
  if (tiff.length < 10) return 1
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  const little = view.getUint16(0) === 0x4949
  const directory = view.getUint32(4, little)
  if (directory + 2 > tiff.length) return 1
  const entries = view.getUint16(directory, little)
  for (let at = directory + 2; at + 12 <= tiff.length; at += 12) {
    if (at >= directory + 2 + 12 * entries) break
    if (view.getUint16(at, little) !== orientationTag) continue
    const value = view.getUint16(at + 8, little)
    return value >= 1 && value <= 8 ? value : 1
  }
  return 1
}
