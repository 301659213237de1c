/** A decoded photo: 8-bit RGB, row by row, three bytes a pixel. */
export interface Photo {
  /** `height * width * 3` bytes. */
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}
